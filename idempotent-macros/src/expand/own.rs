//! The user's own function: where it stands, and its form for direct calls in unit tests.

use crate::expand::names::runtime_path;
use crate::model::{Existing, GuardedFunction};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Ident, parse_quote};

/// The route macros of actix-web, of which a handler is no function any more.
const ROUTES: [&str; 11] = [
    "connect", "delete", "get", "head", "options", "patch", "post", "put", "route", "routes",
    "trace",
];

/// Items in which `Self` is their own and not that of the function around them.
const ITEMS: [&str; 4] = ["enum", "impl", "struct", "trait"];

/// The user's own function, as a part of what stands in its place.
pub(super) struct OwnFunction {
    /// It is in an `impl`, whose `Self` it mentions.
    pub(super) is_associated: bool,
    /// The path by which it is called.
    pub(super) path: TokenStream,
    /// The part inside of the function that actix sees.
    pub(super) inside: TokenStream,
    /// The part beside that one.
    pub(super) beside: TokenStream,
}

impl OwnFunction {
    /// Nested in the function that actix sees; or beside it, where it says `Self`, which means nothing in a
    /// nested one.
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

/// The form of a handler that unit tests may call, without its guard; none of a route, which is no function.
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
    let why = "it is there for tests that call it, and they may not";
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

/// The condition or the lint level that an attribute gives to every form of a function.
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

/// Whether a handler is of a type, and says so.
fn mentions_self_type(handler: &GuardedFunction) -> bool {
    let existing = match &handler.existing {
        Existing::Function { path, .. } => path.to_token_stream(),
        Existing::None => TokenStream::new(),
    };
    says_self(handler.signature.to_token_stream(), &[])
        || says_self(existing, &[])
        || says_self(handler.body.stream(), &ITEMS)
}

/// Whether tokens say `Self`, and not inside of an item that has one of its own.
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
