//! The attributes of a handler. It becomes two functions: the one that actix sees, and the user's in it.

use crate::diagnostics::{Mistake, Mistakes};
use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// Lints of an item's name and use: they look at the function that actix sees.
const OF_ITEMS: [&str; 6] = [
    "dead_code",
    "missing_docs",
    "non_snake_case",
    "unreachable_pub",
    "unused",
    "private_interfaces",
];

/// Macros of other crates that need the handler as it was written: `protect-endpoints`, `apistos`,
/// `paperclip` and `async-backtrace`.
const NEED_THE_HANDLER: [&str; 4] = ["protect", "api_operation", "api_v2_operation", "framed"];

/// Such macros must stand above the attribute: below it, they would not see the user's function.
pub(super) fn check(attributes: &[Attribute], mistakes: &mut Mistakes) {
    for last in attributes.iter().filter_map(|attribute| attribute.path().segments.last()) {
        if NEED_THE_HANDLER.iter().any(|name| last.ident == name) {
            let name = &last.ident;
            mistakes.add(
                Mistake::new(name.span(), format!("`#[{name}]` stands below `#[idempotent]`"))
                    .help(format!("put `#[{name}]` above it"))
                    .note("it needs the `async fn`, and below it would find the function that actix sees"),
            );
        }
    }
}

/// The attributes of the function that actix sees, and those of the user's function.
///
/// A lint level goes to both. An expected lint is expected in one of them, and allowed in the other.
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

/// Expects lints in the function that has them, and allows them in the other one.
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
