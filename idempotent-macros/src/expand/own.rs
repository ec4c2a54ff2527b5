//! The user's own function: where it stands, and its form for direct calls in unit tests.

use crate::expand::names::runtime_path;
use crate::model::{Existing, GuardedFunction};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Ident, parse_quote};

/// The route macros of actix-web. They turn a handler into something that is not a function.
const ROUTES: [&str; 11] = [
    "connect", "delete", "get", "head", "options", "patch", "post", "put", "route", "routes",
    "trace",
];

/// Items that give `Self` a meaning of their own, other than in the function around them.
const ITEMS: [&str; 4] = ["enum", "impl", "struct", "trait"];

/// The user's own function, as a part of what stands in its place.
pub(super) struct OwnFunction {
    /// Whether it stands in an `impl` and mentions `Self`.
    pub(super) is_associated: bool,
    /// The path by which it is called.
    pub(super) path: TokenStream,
    /// The part inside of the function that actix sees.
    pub(super) inside: TokenStream,
    /// The part beside that one.
    pub(super) beside: TokenStream,
}

impl OwnFunction {
    /// Nests the function in the one that actix sees; or puts it beside that one, if it mentions `Self`,
    /// which has no meaning in a nested function.
    pub(super) fn of(handler: &GuardedFunction) -> Self {
        let GuardedFunction { inner, signature, body, .. } = handler;
        let name = &signature.ident;
        if !mentions_self_type(handler) {
            let own = quote!(#(#inner)* #signature #body);
            let beside = direct_form(handler, &own, &name.to_token_stream());
            return Self { is_associated: false, path: quote!(#name), inside: own, beside };
        }
        let mut signature = signature.clone();
        signature.ident = format_ident!("__{}", name);
        let name = &signature.ident;
        let path = quote!(Self::#name);
        let direct = direct_form(handler, &TokenStream::new(), &path);
        let beside = quote!(#[doc(hidden)] #(#inner)* #signature #body #direct);
        Self { is_associated: true, path, inside: TokenStream::new(), beside }
    }
}

/// The form of a handler that unit tests may call, without its guard; none if a route macro stands
/// below, which leaves no function.
fn direct_form(handler: &GuardedFunction, own: &TokenStream, path: &TokenStream) -> TokenStream {
    let GuardedFunction { outer, visibility, signature, policy, .. } = handler;
    if outer.iter().any(|attribute| is_one_of(attribute, &ROUTES)) {
        return TokenStream::new();
    }
    let runtime = runtime_path(handler.runtime.as_ref());
    let levels = outer.iter().filter_map(allowed);
    let mut form = signature.clone();
    form.ident = format_ident!("{}_unguarded", signature.ident);
    let names: Vec<Ident> =
        (0..form.inputs.len()).map(|place| format_ident!("__argument{}", place)).collect();
    let types = handler.parameters.iter().map(|parameter| &parameter.ty);
    form.inputs = parse_quote!(#(#names: #types),*);
    let function = &policy.function;
    let why = "tests may call it, and need not";
    quote! {
        #[cfg(test)]
        #[doc(hidden)]
        #(#levels)*
        #[allow(dead_code, non_snake_case, unreachable_pub, reason = #why)]
        #visibility #form {
            #own
            #runtime::called_directly(#function);
            #path(#(#names),*).await
        }
    }
}

/// An attribute that also holds for the form that tests call: a condition or a lint level.
fn allowed(attribute: &Attribute) -> Option<Attribute> {
    if is_one_of(attribute, &["allow", "cfg"]) {
        return Some(attribute.clone());
    }
    let expected =
        attribute.meta.require_list().ok().filter(|list| list.path.is_ident("expect"))?;
    let lints = &expected.tokens;
    Some(parse_quote!(#[allow(#lints)]))
}

fn is_one_of(attribute: &Attribute, names: &[&str]) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|last| names.iter().any(|name| last.ident == name))
}

/// Whether a handler mentions the `Self` of the `impl` around it.
fn mentions_self_type(handler: &GuardedFunction) -> bool {
    let existing = match &handler.existing {
        Existing::Function { path, .. } => path.to_token_stream(),
        Existing::None => TokenStream::new(),
    };
    says_self(handler.signature.to_token_stream(), &[])
        || says_self(existing, &[])
        || says_self(handler.body.stream(), &ITEMS)
}

/// Whether tokens mention `Self` outside of items that have a `Self` of their own.
fn says_self(tokens: TokenStream, items: &[&str]) -> bool {
    let mut in_item = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            let is_skipped = in_item;
            in_item &= group.delimiter() != Delimiter::Brace;
            !is_skipped && says_self(group.stream(), items)
        }
        TokenTree::Ident(word) => {
            in_item |= items.iter().any(|item| word == item);
            !in_item && word == "Self"
        }
        TokenTree::Punct(mark) => {
            in_item &= mark.as_char() != ';';
            false
        }
        TokenTree::Literal(_) => false,
    })
}
