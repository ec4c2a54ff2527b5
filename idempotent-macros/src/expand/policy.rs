//! A policy as a constant expression: what is set, and nothing else.

use crate::model::{
    Existing, Fingerprint, Handler, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight,
    OnStoreError, Row, RowName, Scope, Setting, Statuses, Strategy, Template, Window,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::time::Duration;
use syn::Path;

/// The constant expression that builds a handler's policy.
pub(super) fn policy(handler: &Handler) -> TokenStream {
    let policy = &handler.policy;
    let operation = &policy.operation;
    let strategy = match policy.strategy {
        Strategy::RequestId => quote!(RequestId),
        Strategy::Token => quote!(Token),
        Strategy::Lock => quote!(Lock),
        Strategy::Cache => quote!(Cache),
        Strategy::DedupTable => quote!(DedupTable),
        Strategy::RowLock => quote!(RowLock),
        Strategy::Version => quote!(Version),
        Strategy::State => quote!(State),
        Strategy::Unique => quote!(Unique),
        Strategy::Async => quote!(Async),
        Strategy::Message => quote!(Message),
    };
    let rt = super::http::runtime();
    let mut tokens = quote!(#rt::Policy::new(#operation, #rt::Strategy::#strategy));
    let mut set = |call: TokenStream| tokens.extend(call);
    match policy.on_duplicate {
        OnDuplicate::Replay => {}
        OnDuplicate::Reject => set(quote!(.on_duplicate(#rt::OnDuplicate::Reject))),
        OnDuplicate::Accept => set(quote!(.on_duplicate(#rt::OnDuplicate::Accept))),
    }
    if policy.on_in_flight == OnInFlight::Wait {
        set(quote!(.on_in_flight(#rt::OnInFlight::Wait)));
    }
    if policy.on_abandoned == OnAbandoned::Hold {
        set(quote!(.on_abandoned(#rt::OnAbandoned::Hold)));
    }
    if policy.on_store_error == OnStoreError::Run {
        set(quote!(.on_store_error(#rt::OnStoreError::Run)));
    }
    match policy.key_requirement {
        KeyRequirement::Required => {}
        KeyRequirement::Optional => set(quote!(.key_requirement(#rt::KeyRequirement::Optional))),
        // Nothing of the request is compared, so its body need not be read.
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
    if let Statuses::Ranges(ranges) = &policy.statuses {
        let ranges = ranges.iter().map(|(first, last)| quote!((#first, #last)));
        set(quote!(.statuses(#rt::Statuses::ranges(&[#(#ranges),*]))));
    }
    if !policy.headers.is_empty() {
        let headers = &policy.headers;
        set(quote!(.headers(&[#(#headers),*])));
    }
    if let Setting::Own(message) = &policy.message {
        set(quote!(.message(#message)));
    }
    if let Setting::Own(bytes) = policy.max_body {
        set(quote!(.max_body(#bytes)));
    }
    let window = match handler.window {
        Window::Within(window, _) => Setting::Own(window),
        Window::Open => Setting::App,
    };
    set(duration(&rt, &quote!(ttl), policy.ttl));
    set(duration(&rt, &quote!(lease), policy.lease));
    set(duration(&rt, &quote!(wait), policy.wait));
    set(duration(&rt, &quote!(stale), policy.stale));
    set(duration(&rt, &quote!(within), window));
    set(row(&rt, &handler.row));
    if let Existing::Function { constraint: Setting::Own(constraint), .. } = &handler.existing {
        set(quote!(.constraint(#constraint)));
    }
    tokens
}

fn row(rt: &TokenStream, row: &Row) -> TokenStream {
    let Some(RowName { table, column: id, .. }) = row.name() else { return TokenStream::new() };
    let row = match row {
        Row::None | Row::Locked(_) => quote!(locked(#table, #id)),
        Row::Versioned { column, .. } => quote!(versioned(#table, #id, #column)),
        Row::InState { column, from, to, .. } => {
            let states = owner(from);
            quote!(in_state(#table, #id, #column, #states::STATES, (#from.place(), #to.place())))
        }
    };
    quote!(.row(#rt::Row::#row))
}

/// The enum of a variant.
pub(super) fn owner(variant: &Path) -> TokenStream {
    let mut owner = variant.clone();
    owner.segments.pop();
    owner.segments.pop_punct();
    owner.to_token_stream()
}

fn duration(rt: &TokenStream, name: &TokenStream, setting: Setting<Duration>) -> TokenStream {
    let Setting::Own(duration) = setting else { return TokenStream::new() };
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis.is_multiple_of(1000) {
        let seconds = millis / 1000;
        return quote!(.#name(#rt::Duration::from_secs(#seconds)));
    }
    quote!(.#name(#rt::Duration::from_millis(#millis)))
}

/// Every template of a handler.
pub(super) fn templates(handler: &Handler) -> Vec<&Template> {
    let mut templates = vec![&handler.key];
    if let Scope::Template(scope) = &handler.scope {
        templates.push(scope);
    }
    if let Fingerprint::Template(fingerprint) = &handler.policy.fingerprint {
        templates.push(fingerprint);
    }
    if let Window::Within(_, timestamp) = &handler.window {
        templates.push(timestamp);
    }
    templates.extend(&handler.first_sent);
    templates.extend(handler.row.name().map(|row| &row.id));
    if let Row::Versioned { version, .. } = &handler.row {
        templates.push(version);
    }
    templates
}
