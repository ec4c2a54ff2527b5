//! The function that actix sees, with the user's own nested inside.
//!
//! It has the user's name and one form for all handlers, so route macros compose with it above and
//! below; ordinary type errors point into the user's own function, whose tokens are untouched.

use crate::expand::policy::{owner, policy, templates};
use crate::expand::template::{bindings, fill};
use crate::model::{Existing, Fingerprint, Handler, Presence, Row, Scope, Strategy, Window};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Index, Path, ReturnType};

/// What generated code calls us by, inside of a handler.
pub(super) fn runtime() -> TokenStream {
    quote!(__private)
}

pub(crate) fn handler(handler: &Handler) -> TokenStream {
    let (crate_name, rt) = (quote!(::idempotent_runtime::private), runtime());
    let Handler { outer, inner, visibility, signature, body, .. } = handler;
    let name = &signature.ident;
    let policy = policy(handler);
    let kinds: Vec<_> = handler.parameters.iter().map(|parameter| &parameter.kind).collect();
    let moved = moved(handler);
    let filled = filled(handler);
    let transition = transition(handler);
    let output = match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, kind) => kind.span(),
    };
    // Where a parameter is no extractor or the return type no response, the compiler points there.
    let inputs = signature.paren_token.span.join();
    let extract = if handler.policy.strategy == Strategy::Async {
        // They are kept for the run, too.
        quote_spanned!(inputs=> task_arguments)
    } else {
        quote_spanned!(inputs=> extract)
    };
    let extracted = quote_spanned!(inputs=> __call.#extract::<(#(#kinds,)*)>().await?);
    let again = quote_spanned!(inputs=> __call.again::<(#(#kinds,)*)>().await?);
    let answered = quote_spanned!(output=> __call.answer(__returned).await);
    let existing = existing(handler, &again, &answered);
    // Names are bound as they are written there: where a macro of the user's has written the
    // function, or only a type of it, they differ from ours by more than their letters.
    let (call_in, call_out) = (
        quote::format_ident!("__call", span = inputs),
        quote::format_ident!("__call", span = output),
    );
    let returned = quote::format_ident!("__returned", span = output);
    quote! {
        #(#outer)*
        #visibility async fn #name(
            __request: #crate_name::HttpRequest,
            __payload: #crate_name::Payload,
        ) -> #crate_name::HttpResult {
            #(#inner)*
            #signature #body
            use #crate_name as #rt;
            #transition
            // In a block of its own, where the user's function cannot see it.
            let __policy = {
                static POLICY: #rt::Policy = #policy;
                &POLICY
            };
            #rt::serve(__policy, __request, __payload, |mut __call| #rt::Box::pin(async move {
                let __arguments = {
                    let #call_in = &mut __call;
                    #extracted
                };
                #filled
                __call.claim().await?;
                let #returned = #name(#(#moved),*).await;
                let #call_out = &mut __call;
                #existing
                #answered
            }))
            .await
        }
    }
}

/// Where an insert met a unique index, what was inserted before answers.
fn existing(handler: &Handler, again: &TokenStream, answered: &TokenStream) -> TokenStream {
    let Existing::Function { path, .. } = &handler.existing else { return TokenStream::new() };
    let moved = moved(handler);
    let violated = quote_spanned!(path.span()=> __call.met_unique_index(&__returned));
    quote! {
        if #violated {
            drop(__returned);
            let __arguments = #again;
            let __returned = #path(#(#moved),*).await;
            return #answered;
        }
    }
}

/// The extracted arguments, one by one.
fn moved(handler: &Handler) -> impl Iterator<Item = TokenStream> {
    (0..handler.parameters.len()).map(|place| {
        let place = Index::from(place);
        quote!(__arguments.#place)
    })
}

/// The compiler refuses a transition that its enum does not declare.
fn transition(handler: &Handler) -> TokenStream {
    let Row::InState { from, to, .. } = &handler.row else { return TokenStream::new() };
    let (rt, states) = (runtime(), owner(from));
    let last = |path: &Path| path.segments.last().map(|last| last.ident.to_string());
    let (was, becomes) = (last(from).unwrap_or_default(), last(to).unwrap_or_default());
    let message = format!(
        "`{was}` may not become `{becomes}`: add `#[to({becomes})]` to the variant `{was}`, or name \
         another state",
    );
    quote_spanned! {to.span()=>
        const _: () =
            assert!(#rt::may_follow(#states::STATES, #from.place(), #to.place()), #message);
    }
}

/// The statements that fill in the templates; a block of their own where they borrow parameters.
fn filled(handler: &Handler) -> TokenStream {
    let key = fill(&handler.key);
    let mut statements = match handler.policy.presence {
        Presence::Unkeyed => TokenStream::new(),
        Presence::Required | Presence::Optional => quote!(__call.key()#key;),
    };
    match &handler.scope {
        Scope::App => {}
        Scope::Shared => statements.extend(quote!(__call.scope();)),
        Scope::Template(template) => {
            let scope = fill(template);
            statements.extend(quote!(__call.scope()#scope;));
        }
    }
    if let Fingerprint::Template(template) = &handler.policy.fingerprint {
        let fingerprint = fill(template);
        statements.extend(quote!(__call.fingerprint()#fingerprint;));
    }
    if let Window::Within(_, template) = &handler.window {
        let timestamp = fill(template);
        statements.extend(quote!(__call.timestamp()#timestamp;));
    }
    if let Some(row) = handler.row.name() {
        let id = fill(&row.id);
        statements.extend(quote!(__call.row()#id;));
    }
    if let Row::Versioned { version, .. } = &handler.row {
        let version = fill(version);
        statements.extend(quote!(__call.version()#version;));
    }
    let bindings = bindings(&templates(handler), &handler.parameters);
    if bindings.is_empty() { statements } else { quote!({ #bindings #statements }) }
}
