//! The attributes of a handler, which becomes two functions: the one that actix sees, and the user's own in it.

use crate::diagnostics::{Mistake, Mistakes};
use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// Lints of an item, its name and its use: they look at the function that others see.
const OF_ITEMS: [&str; 6] = [
    "dead_code",
    "missing_docs",
    "non_snake_case",
    "unreachable_pub",
    "unused",
    "private_interfaces",
];

/// Macros of others that need the handler as it was written: of `protect-endpoints`, `apistos`, `paperclip` and
/// `async-backtrace`.
const NEED_THE_HANDLER: [&str; 4] = ["protect", "api_operation", "api_v2_operation", "framed"];

/// Such macros stand above the attribute, and no function is left for them below it.
pub(super) fn check(attributes: &[Attribute], mistakes: &mut Mistakes) {
    for last in attributes.iter().filter_map(|attribute| attribute.path().segments.last()) {
        if NEED_THE_HANDLER.iter().any(|name| last.ident == name) {
            let name = &last.ident;
            mistakes.add(
                Mistake::new(name.span(), format!("`#[{name}]` stands below `#[idempotent]`"))
                    .help(format!("put `#[{name}]` above it"))
                    .note("it needs an `async fn`, and finds the function that actix sees"),
            );
        }
    }
}

/// Those of the function that actix sees, and those of the user's own.
///
/// A lint level is for both. What is expected is found in one of them, and allowed in the other.
pub(super) fn split(attributes: Vec<Attribute>) -> (Vec<Attribute>, Vec<Attribute>) {
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    for attribute in attributes {
        let last = attribute.path().segments.last().map(|last| last.ident.to_string());
        match last.as_deref() {
            Some("instrument") => inner.push(attribute),
            Some("allow" | "warn" | "deny" | "forbid") => {
                inner.push(attribute.clone());
                outer.push(attribute);
            }
            Some("expect") => expected(&attribute, &mut outer, &mut inner),
            _ => outer.push(attribute),
        }
    }
    (outer, inner)
}

fn expected(attribute: &Attribute, outer: &mut Vec<Attribute>, inner: &mut Vec<Attribute>) {
    let lints = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let Ok(lints) = lints else { return outer.push(attribute.clone()) };
    let (reason, lints): (Vec<_>, Vec<_>) =
        lints.into_iter().partition(|lint| lint.path().is_ident("reason"));
    let is_of_item = |lint: &Meta| OF_ITEMS.into_iter().any(|name| lint.path().is_ident(name));
    let (of_items, others): (Vec<_>, Vec<_>) = lints.into_iter().partition(is_of_item);
    let reason = quote!(#(#reason),*);
    put(&of_items, &reason, outer, inner);
    put(&others, &reason, inner, outer);
}

/// Puts lints where they are found, and allows them where they may be found as well.
fn put(
    lints: &[Meta],
    reason: &TokenStream,
    finds: &mut Vec<Attribute>,
    other: &mut Vec<Attribute>,
) {
    if !lints.is_empty() {
        finds.push(parse_quote!(#[expect(#(#lints,)* #reason)]));
        other.push(parse_quote!(#[allow(#(#lints,)* #reason)]));
    }
}
