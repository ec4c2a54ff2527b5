//! The description of a handler's guard, as a value for an `OpenAPI` document.

use crate::expand::names::runtime_path;
use crate::expand::template::templates;
use crate::model::{
    Engine, Fingerprint, GuardedFunction, KeyRequirement, OnAbandoned, OnDuplicate, Row, Scope,
    Segment, Source, Template, Window,
};
use crate::strategy::DefaultKey;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::ptr;

/// The expression of a guard's description; none for a function that no request calls.
pub(crate) fn described(handler: &GuardedFunction) -> Option<TokenStream> {
    let Engine::App = handler.engine else { return None };
    let rt = runtime_path(handler.runtime.as_ref());
    let policy = described_policy(handler, &rt);
    let parameters = parameters(handler, &rt);
    let problems = problems(handler, &rt);
    Some(quote!(#rt::GuardedOperation::of(&#policy) #parameters #problems))
}

/// The part of the policy that decides which problems a client may get.
fn described_policy(handler: &GuardedFunction, rt: &TokenStream) -> TokenStream {
    let policy = &handler.policy;
    let strategy = format_ident!("{}", policy.strategy.variant);
    let nobody = quote!(#rt::Definition::new("", "", ""));
    let mut tokens = quote!(#rt::Policy::new(#nobody, #rt::Strategy::#strategy));
    let mut set = |call: TokenStream| tokens.extend(call);
    if policy.on_duplicate == OnDuplicate::Reject {
        set(quote!(.on_duplicate(#rt::OnDuplicate::Reject)));
    }
    if policy.on_abandoned == OnAbandoned::Hold {
        set(quote!(.on_abandoned(#rt::OnAbandoned::Hold)));
    }
    match policy.key_requirement {
        KeyRequirement::Required => {}
        KeyRequirement::Optional => set(quote!(.key_requirement(#rt::KeyRequirement::Optional))),
        KeyRequirement::Unkeyed => set(quote!(
            .key_requirement(#rt::KeyRequirement::Unkeyed).fingerprint(#rt::FingerprintOf::Nothing)
        )),
    }
    match &policy.fingerprint {
        Fingerprint::Request => {}
        Fingerprint::Nothing => set(quote!(.fingerprint(#rt::FingerprintOf::Nothing))),
        Fingerprint::Template(_) => set(quote!(.fingerprint(#rt::FingerprintOf::Template))),
    }
    if templates(handler).iter().any(|template| template.reads_form()) {
        set(quote!(.reads_form()));
    }
    if matches!(handler.window, Window::Within(..)) {
        set(quote!(.within(#rt::Duration::from_secs(1))));
    }
    tokens
}

/// The parts of the request that the guard reads. Path and body are left out: the handler describes them.
fn parameters(handler: &GuardedFunction, rt: &TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    let mut add = |place: &str, name: &str, need: &str| {
        let (place, need) = (format_ident!("{place}"), format_ident!("{need}"));
        tokens.extend(quote!(.parameter(#rt::ParameterIn::#place, #name, #rt::Required::#need)));
    };
    for template in templates(handler) {
        let need = if is_optional(handler, template) { "False" } else { "True" };
        for segment in &template.0 {
            match segment {
                Segment::Request(Source::Header, name) => add("Header", name, need),
                Segment::Request(Source::Query, name) => add("Query", name, need),
                Segment::Request(Source::Cookie, name) => add("Cookie", name, need),
                Segment::Request(Source::Path | Source::Form, _)
                | Segment::Text(_)
                | Segment::Value(..) => {}
            }
        }
    }
    if let Row::Versioned { version: None, .. } = handler.row {
        add("Header", "If-Match", "True");
    }
    tokens
}

/// Whether a request may leave out what the template reads.
fn is_optional(handler: &GuardedFunction, template: &Template) -> bool {
    let is_read = handler.policy.strategy.default_key == DefaultKey::PathAndQuery;
    let may_lack = is_read || handler.policy.key_requirement == KeyRequirement::Optional;
    may_lack && ptr::eq(template, &raw const handler.key)
}

/// The problems that depend on more than the policy.
fn problems(handler: &GuardedFunction, rt: &TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    let mut add = |call: &str, kind: &str| {
        let (call, kind) = (format_ident!("{call}"), format_ident!("{kind}"));
        tokens.extend(quote!(.#call(#rt::ProblemKind::#kind)));
    };
    let compares = matches!(handler.policy.fingerprint, Fingerprint::Template(_));
    if handler.key.is_constant() && handler.row.name().is_none() && !compares {
        add("never", "KeyMissing");
        add("never", "KeyInvalid");
    }
    match &handler.scope {
        Scope::App => {}
        Scope::Shared => add("never", "ScopeMissing"),
        Scope::Template(_) => add("also", "ScopeMissing"),
    }
    if handler.row.name().is_some_and(|row| row.owner.is_some()) {
        add("also", "ScopeMissing");
    }
    if handler.first_sent.is_some() {
        add("also", "StaleRequest");
        add("also", "RetryTooLate");
    }
    if let Row::Versioned { version: Some(_), .. } = handler.row {
        add("never", "VersionInvalid");
    }
    tokens
}
