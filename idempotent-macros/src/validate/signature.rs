//! The signature of a function that can be guarded.

use crate::diagnostics::{Mistake, Mistakes};
use crate::model::{Parameter, TxMark};
use crate::parse::{Function, bare};
use crate::strategy::Subject;
use crate::validate::tx;
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericParam, Ident, Pat, PatType, PathSegment, ReturnType, Signature, Token,
    Type, TypeParamBound,
};

/// The number of extractors that actix takes in one tuple.
const MOST_EXTRACTORS: usize = 16;

/// The parameters of a function that can be guarded.
pub(super) fn parameters(
    function: &Function,
    subject: Subject,
    mistakes: &mut Mistakes,
) -> Vec<Parameter> {
    let signature = &function.signature;
    for second in function.attributes.iter().filter(|attribute| is_ours(attribute)) {
        mistakes.add(
            Mistake::new(second.span(), "a second `#[idempotent]` on one function")
                .help("keep one of them"),
        );
    }
    if function.asyncness().is_none() {
        let what = Mistake::new(
            signature.fn_token.span,
            format!("a guarded {} must be `async`", subject.name()),
        );
        mistakes.add(what.help(format!("write `async fn {}`", signature.ident)));
    }
    let mut generics = signature.generics.params.iter();
    if let Some(generic) = generics.find(|param| !matches!(param, GenericParam::Lifetime(_))) {
        let span = match subject {
            Subject::Handler => signature.generics.params.span(),
            Subject::Function => generic.span(),
        };
        let name = subject.name();
        mistakes.add(
            Mistake::new(span, format!("a guarded {name} cannot be generic"))
                .help("guard a plain function that calls the generic one")
                .note(format!(
                    "one operation name would stand for as many {name}s as there are types"
                )),
        );
    }
    if subject == Subject::Function {
        mistakes.keep(returns_result(signature));
    }
    let parameters: Vec<_> =
        signature.inputs.iter().filter_map(|input| parameter(input, subject, mistakes)).collect();
    if subject == Subject::Handler && parameters.len() > MOST_EXTRACTORS {
        let span = signature.inputs[MOST_EXTRACTORS].span();
        mistakes.add(
            Mistake::new(span, format!("more than {MOST_EXTRACTORS} extractors"))
                .help("combine some of them into a tuple or an extractor of your own"),
        );
    }
    parameters
}

/// Refuses a function that another macro made of an `async fn`: the rest of it is changed, too.
pub(super) fn check_is_written(function: &Function, subject: Subject) -> Result<(), Mistake> {
    let signature = &function.signature;
    if function.asyncness().is_some() || !returns_future(signature) {
        return Ok(());
    }
    let what =
        format!("a guarded {} must be `async`, and a macro has changed this one", subject.name());
    Err(Mistake::new(signature.ident.span(), what)
        .help("guard a separate function, and call it here")
        .note("`#[async_trait]` replaces an `async fn` before other attributes see it"))
}

/// The `async` that a handler lacks, unless it returns a future, which a route takes, too.
pub(super) fn lacking_async(function: &Function) -> Option<Token![async]> {
    let is_one = returns_future(&function.signature) || returns_any_future(&function.signature);
    let span = function.signature.fn_token.span;
    (function.asyncness().is_none() && !is_one).then(|| Token![async](span))
}

/// The place of a return type that is clearly not a `Result`.
pub(super) fn no_result_at(signature: &Signature) -> Option<Span> {
    let ReturnType::Type(_, kind) = &signature.output else { return Some(signature.ident.span()) };
    let is_plain = match bare(kind) {
        Type::ImplTrait(_) | Type::Tuple(_) | Type::Reference(_) => true,
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| NO_RESULTS.iter().any(|name| last.ident == name)),
        _ => false,
    };
    is_plain.then(|| kind.span())
}

/// Whether an attribute is `#[idempotent]` again.
fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "idempotent")
}

/// Whether a function that is not `async` returns a boxed future.
fn returns_future(signature: &Signature) -> bool {
    let ReturnType::Type(_, kind) = &signature.output else { return false };
    let Type::Path(path) = bare(kind) else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Pin")
}

/// Whether a function returns an `impl Future`.
fn returns_any_future(signature: &Signature) -> bool {
    let ReturnType::Type(_, kind) = &signature.output else { return false };
    let Type::ImplTrait(bounds) = bare(kind) else { return false };
    bounds.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Future")
        }
        _ => false,
    })
}

/// The return type must be a `Result`: its value is stored and its error is not. It may have any name.
fn returns_result(signature: &Signature) -> Result<(), Mistake> {
    let ReturnType::Type(_, kind) = &signature.output else {
        return Err(no_result(signature.ident.span()));
    };
    let is_plainly_another = |last: &PathSegment| NO_RESULTS.iter().any(|name| last.ident == name);
    match bare(kind) {
        Type::Path(path) if !path.path.segments.last().is_some_and(is_plainly_another) => Ok(()),
        other => Err(no_result(other.span())),
    }
}

/// Names of types that are not a `Result`.
const NO_RESULTS: [&str; 20] = [
    "Option",
    "String",
    "Vec",
    "Box",
    "HttpResponse",
    "Json",
    "bool",
    "char",
    "i8",
    "i16",
    "i32",
    "i64",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "usize",
    "f32",
    "f64",
];

fn no_result(span: Span) -> Mistake {
    Mistake::new(span, "a guarded function returns a `Result`")
        .help("write `-> Result<T, E>` with `E: From<idempotent_runtime::message::MessageError>`")
        .note("the value is stored and given to later calls; an error lets the next call run")
}

fn parameter(input: &FnArg, subject: Subject, mistakes: &mut Mistakes) -> Option<Parameter> {
    let PatType { pat, ty, attrs, .. } = match input {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) if subject == Subject::Function => {
            let name = Ident::new("self", receiver.self_token.span);
            let pattern = receiver.self_token.to_token_stream();
            let (ty, names) = (Type::Verbatim(quote!(Self)), vec![name]);
            return Some(Parameter { pattern, ty, names, tx_mark: TxMark::None });
        }
        FnArg::Receiver(receiver) => {
            let span = receiver.self_token.span;
            mistakes.add(
                Mistake::new(span, "a guarded handler cannot be a method")
                    .help("guard a free function, and give it what it needs by `web::Data`"),
            );
            return None;
        }
    };
    if let Some(anonymous) = anonymous(ty.to_token_stream()) {
        let what = format!("a guarded {} cannot be generic", subject.name());
        mistakes.add(Mistake::new(anonymous, what).help("name the parameter's type"));
    }
    let mut names = Vec::new();
    add_names(pat, &mut names);
    let pattern = by_reference(pat.to_token_stream());
    let tx_mark = mistakes.keep(tx::mark(attrs)).unwrap_or(TxMark::None);
    Some(Parameter { pattern, ty: (**ty).clone(), names, tx_mark })
}

/// The place of an `impl Trait`, also inside of another type.
fn anonymous(ty: TokenStream) -> Option<Span> {
    ty.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) if word == "impl" => Some(word.span()),
        TokenTree::Group(group) => anonymous(group.stream()),
        _ => None,
    })
}

/// Adds the names that a pattern binds.
fn add_names(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(binding) => {
            names.push(binding.ident.clone());
            if let Some((_, within)) = &binding.subpat {
                add_names(within, names);
            }
        }
        // All cases of an or-pattern bind the same names.
        Pat::Or(cases) => cases.cases.iter().take(1).for_each(|pat| add_names(pat, names)),
        Pat::Paren(inner) => add_names(&inner.pat, names),
        Pat::Reference(inner) => add_names(&inner.pat, names),
        Pat::Slice(list) => list.elems.iter().for_each(|pat| add_names(pat, names)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| add_names(&field.pat, names)),
        Pat::Tuple(list) => list.elems.iter().for_each(|pat| add_names(pat, names)),
        Pat::TupleStruct(list) => list.elems.iter().for_each(|pat| add_names(pat, names)),
        _ => {}
    }
}

/// A pattern without `mut` and `ref`, so that matching it against a reference borrows.
fn by_reference(pattern: TokenStream) -> TokenStream {
    pattern
        .into_iter()
        .filter(|token| !matches!(token, TokenTree::Ident(word) if word == "mut" || word == "ref"))
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut borrowed = Group::new(group.delimiter(), by_reference(group.stream()));
                borrowed.set_span(group.span());
                TokenTree::Group(borrowed)
            }
            other => other,
        })
        .collect()
}
