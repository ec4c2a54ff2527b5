//! The guarded function: its signature as syntax, its body as tokens that are not parsed.

use crate::diagnostics::Mistake;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, FnArg, PatType, Signature, Token, Type, Visibility};

/// A function as it was written.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

pub(crate) fn function(item: &TokenStream) -> Result<Function, Error> {
    match syn::parse2(item.clone()) {
        Ok(function) => Ok(function),
        Err(error) => Err(not_a_function(item).unwrap_or(error)),
    }
}

/// The form in which callers and routes would see a function if it had no mistakes.
#[derive(Default)]
pub(crate) struct Seen {
    /// The place of the parameter that callers leave out.
    pub(crate) left_out: Option<usize>,
    /// The `async` that the function lacks and that a route needs.
    pub(crate) asyncness: Option<Token![async]>,
}

/// The item as it was written, to be given with its mistakes. Left out are the parameter that callers
/// leave out, `#[tx]`, which the compiler does not know, and warnings.
pub(crate) fn beside_mistakes(item: TokenStream, seen: &Seen) -> TokenStream {
    let Ok(function) = syn::parse2::<Function>(item.clone()) else { return item };
    let Function { attributes, visibility, signature, body } = function;
    let mut signature = unmarked_signature(signature);
    let mut inputs: Vec<FnArg> = signature.inputs.into_iter().collect();
    signature.asyncness = signature.asyncness.or(seen.asyncness);
    let taken =
        seen.left_out.filter(|place| *place < inputs.len()).map(|place| inputs.remove(place));
    signature.inputs = inputs.into_iter().collect();
    let body = if let Some(FnArg::Typed(PatType { pat, ty, .. })) = taken {
        quote!({ let #pat: #ty = ::core::panic!(); #body })
    } else {
        quote!(#body)
    };
    let why = "its warnings do not count until its mistakes are mended";
    quote!(#(#attributes)* #[allow(unused, reason = #why)] #visibility #signature #body)
}

/// A signature without the marks of its parameters.
pub(crate) fn unmarked_signature(mut signature: Signature) -> Signature {
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.retain(|attribute| !is_tx_mark(attribute));
        }
    }
    signature
}

/// Whether an attribute of a parameter is `#[tx]`.
pub(crate) fn is_tx_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("tx")
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: Attribute::parse_outer(input)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: body(input)?,
        })
    }
}

/// The body. A macro's `$body:block` stands in invisible brackets.
fn body(input: ParseStream<'_>) -> syn::Result<Group> {
    let fork = input.fork();
    if let Ok(TokenTree::Group(group)) = fork.parse()
        && group.delimiter() == Delimiter::None
    {
        input.advance_to(&fork);
        return syn::parse2(group.stream());
    }
    input.parse()
}

/// The mistake for an item that is not a function, if its kind is known.
fn not_a_function(item: &TokenStream) -> Option<Error> {
    let keyword = |input: ParseStream<'_>| {
        Attribute::parse_outer(input)?;
        input.parse::<Visibility>()?;
        let word: TokenTree = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(word)
    };
    let word = keyword.parse2(item.clone()).ok()?;
    let shown = word.to_string();
    let known = ["struct", "enum", "union", "trait", "impl", "mod", "type", "use", "static"];
    known.contains(&shown.as_str()).then(|| {
        Mistake::new(word.span(), format!("`#[idempotent]` on `{shown}`"))
            .help("put it on the `async fn` that handles the request")
            .into()
    })
}

impl Function {
    pub(crate) fn asyncness(&self) -> Option<Token![async]> {
        self.signature.asyncness
    }
}

/// A type without the invisible brackets that `$type:ty` of a macro puts around it.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}
