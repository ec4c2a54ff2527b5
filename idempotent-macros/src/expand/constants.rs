//! Checks of durations that are constants: the compiler makes them, for it alone knows the values.

use crate::expand::names::{self, runtime};
use crate::limits::{CLOCK_SKEW, LONGEST, SHORTEST_LEASE};
use crate::model::{Constant, GuardedFunction, Policy, Setting};
use crate::strategy::TtlOf;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use std::time::Duration;
use syn::spanned::Spanned;

/// A `const` for each constant duration, and an assertion for each rule that a text must meet, too.
pub(super) fn checks(guarded: &GuardedFunction) -> TokenStream {
    let policy = &guarded.policy;
    let each = policy.constants.iter().map(|constant| {
        let name = &constant.name;
        let shortest = match name.to_string().as_str() {
            "lease" => SHORTEST_LEASE,
            "ttl" if guarded.first_sent.is_some() => CLOCK_SKEW * 2,
            _ => Duration::from_millis(1),
        };
        let what = format!("`{name}` is shorter than {shortest:?}, or longer than ten years");
        let (shortest, longest) = (length(shortest), length(LONGEST));
        let (rt, value, own) = (runtime(), &constant.value, names::constant(constant));
        let is_within = quote!(is_within(#own, #shortest, #longest));
        let asserted = asserted(constant, &is_within, &what);
        // The value is named once, so that the compiler reports a wrong type once.
        quote_spanned!(value.span()=> const #own: #rt::Duration = #value; #asserted)
    });
    let of_run = [("lease", policy.lease), ("wait", policy.wait)];
    let of_run = of_run.into_iter().filter(|_| policy.strategy.ttl != TtlOf::Answer);
    let ttl = named(policy, "ttl");
    let below = of_run.filter_map(|(name, setting)| {
        let constant = named(policy, name);
        let (own, above) = (value(constant, setting)?, value(ttl, policy.ttl)?);
        let what = format!("`{name}` must be shorter than `ttl`");
        Some(asserted(constant.or(ttl)?, &quote!(is_shorter(#own, #above)), &what))
    });
    each.chain(below).collect()
}

fn named<'a>(policy: &'a Policy, name: &str) -> Option<&'a Constant> {
    policy.constants.iter().find(|constant| constant.name == name)
}

/// A duration in the attribute: a constant, or the value of a text.
fn value(constant: Option<&Constant>, setting: Setting<Duration>) -> Option<TokenStream> {
    match (constant, setting) {
        (Some(constant), _) => Some(names::constant(constant).to_token_stream()),
        (None, Setting::Own(own)) => Some(length(own)),
        (None, Setting::App) => None,
    }
}

fn length(duration: Duration) -> TokenStream {
    let (rt, millis) = (runtime(), u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    quote!(#rt::Duration::from_millis(#millis))
}

/// An assertion with the span of the constant: the compiler points there if it fails.
fn asserted(constant: &Constant, condition: &TokenStream, what: &str) -> TokenStream {
    let rt = runtime();
    quote_spanned!(constant.value.span()=> const _: () = ::core::assert!(#rt::#condition, #what);)
}
