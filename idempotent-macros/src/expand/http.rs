//! The function that actix sees, with the user's own nested inside.
//!
//! It has the user's name and one form for all handlers, so route macros compose with it above and
//! below; ordinary type errors point into the user's own function, whose tokens are untouched.

use crate::expand::policy::{policy, templates};
use crate::expand::template::{bindings, fill};
use crate::model::{Fingerprint, Handler, Scope, Window};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Index, ReturnType};

/// Where generated code finds us.
pub(super) fn runtime() -> TokenStream {
    quote!(::idempotent_runtime::private)
}

pub(crate) fn handler(handler: &Handler) -> TokenStream {
    let rt = runtime();
    let Handler { outer, inner, visibility, signature, body, .. } = handler;
    let name = &signature.ident;
    let policy = policy(handler);
    let kinds = handler.parameters.iter().map(|parameter| &parameter.kind);
    let moved = (0..handler.parameters.len()).map(|place| {
        let place = Index::from(place);
        quote!(__arguments.#place)
    });
    let filled = filled(handler);
    let output = match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, kind) => kind.span(),
    };
    let respond = quote_spanned!(output=> respond);
    quote! {
        #(#outer)*
        #visibility async fn #name(
            __request: #rt::HttpRequest,
            __payload: #rt::Payload,
        ) -> #rt::HttpResult {
            #(#inner)*
            #signature #body
            static POLICY: #rt::Policy = #policy;
            #rt::serve(&POLICY, __request, __payload, |__call| #rt::Box::pin(async move {
                let __arguments = __call.extract::<(#(#kinds,)*)>().await?;
                #filled
                __call.claim().await?;
                let __returned = #name(#(#moved),*).await;
                ::core::result::Result::<_, #rt::Exit>::Ok(__call.#respond(__returned))
            }))
            .await
        }
    }
}

/// The statements that fill in the templates; a block of their own where they borrow parameters.
fn filled(handler: &Handler) -> TokenStream {
    let key = fill(&handler.key);
    let mut statements = quote!(__call.key()#key;);
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
    let bindings = bindings(&templates(handler), &handler.parameters);
    if bindings.is_empty() { statements } else { quote!({ #bindings #statements }) }
}
