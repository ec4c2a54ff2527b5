//! A policy as a constant expression. It sets only what differs from the strategy's defaults.

use crate::expand::names::{self, runtime};
use crate::expand::template::{answer_headers, templates};
use crate::model::{
    Existing, Fingerprint, GuardedFunction, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight,
    OnStoreError, Row, RowName, RowOwner, SetColumn, Setting, Sharing, Statuses, Window,
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use std::time::Duration;

/// The constant expression that builds the policy of a guarded function.
pub(super) fn policy(guarded: &GuardedFunction) -> TokenStream {
    let policy = &guarded.policy;
    let function = &policy.function;
    let strategy = format_ident!("{}", policy.strategy.variant);
    let rt = runtime();
    let path = quote!(::core::concat!(::core::module_path!(), "::", #function));
    let place = quote!(::core::concat!(::core::file!(), ":", ::core::line!()));
    let definition = quote!(#rt::Definition::new(#path, #function, #place));
    let mut tokens = quote!(#rt::Policy::new(#definition, #rt::Strategy::#strategy));
    let mut set = |call: TokenStream| tokens.extend(call);
    if let Setting::Own(operation) = &policy.operation {
        set(quote!(.operation(#operation)));
    }
    if policy.sharing == Sharing::Allowed {
        set(quote!(.shared_operation()));
    }
    if let Some(paths) = &guarded.answer_paths {
        set(quote!(.key_paths(&[#(#paths),*])));
    }
    let read = answer_headers(guarded);
    if !read.is_empty() {
        set(quote!(.answer_headers(&[#(#read),*])));
    }
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
    if templates(guarded).iter().any(|template| template.reads_form()) {
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
    if !policy.drop_headers.is_empty() {
        let headers = &policy.drop_headers;
        set(quote!(.drop_headers(&[#(#headers),*])));
    }
    if !policy.task_headers.is_empty() {
        let headers = &policy.task_headers;
        set(quote!(.task_headers(&[#(#headers),*])));
    }
    if let Setting::Own(message) = &policy.message {
        set(quote!(.message(#message)));
    }
    if let Setting::Own(bytes) = policy.max_body {
        set(quote!(.max_body(#bytes)));
    }
    let window = match guarded.window {
        Window::Within(window, _) => Setting::Own(window),
        Window::Open => Setting::App,
    };
    set(duration_setter(&rt, &quote!(ttl), policy.ttl));
    set(duration_setter(&rt, &quote!(lease), policy.lease));
    set(duration_setter(&rt, &quote!(wait), policy.wait));
    set(duration_setter(&rt, &quote!(stale), policy.stale));
    set(duration_setter(&rt, &quote!(within), window));
    for constant in &policy.constants {
        let (name, value) = (&constant.name, names::constant(constant));
        set(quote!(.#name(#value)));
    }
    set(row_setter(&rt, &guarded.row));
    if let Existing::Function { constraint: Setting::Own(constraint), .. } = &guarded.existing {
        set(quote!(.constraint(#constraint)));
    }
    tokens
}

/// The call that sets the row, if a row guards the handler.
fn row_setter(rt: &TokenStream, row: &Row) -> TokenStream {
    let Some(RowName { table, column: id, owner, .. }) = row.name() else {
        return TokenStream::new();
    };
    let owned_by = owner.as_ref().map(|RowOwner { column, .. }| quote!(.owned_by(#column)));
    let row = match row {
        Row::None | Row::Locked(_) => quote!(locked(#table, #id)),
        Row::Versioned { column, tags, .. } => {
            let several = tags.takes_several.then(|| quote!(.taking_several_versions()));
            let weak = tags.takes_weak.then(|| quote!(.taking_weak_tags()));
            quote!(versioned(#table, #id, #column) #several #weak)
        }
        Row::InState { column, set, .. } => {
            let last = (*set == SetColumn::Last).then(|| quote!(.set_last()));
            quote!(in_state(#table, #id, #column, __TRANSITION.states, __TRANSITION.places) #last)
        }
    };
    quote!(.row(#rt::Row::#row #owned_by))
}

/// The call that sets a duration, if the attribute sets it.
fn duration_setter(
    rt: &TokenStream,
    name: &TokenStream,
    setting: Setting<Duration>,
) -> TokenStream {
    let Setting::Own(duration) = setting else { return TokenStream::new() };
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis.is_multiple_of(1000) {
        let seconds = millis / 1000;
        return quote!(.#name(#rt::Duration::from_secs(#seconds)));
    }
    quote!(.#name(#rt::Duration::from_millis(#millis)))
}
