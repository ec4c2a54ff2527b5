//! A function that no request calls: the same function, whose body runs if its key is claimed.
//!
//! Nothing is nested, so `self`, lifetimes and what the body borrows are as they were.

use crate::expand::constants::checks;
use crate::expand::names::{runtime, runtime_path};
use crate::expand::policy::policy;
use crate::expand::template::fill;
use crate::model::{Fingerprint, GuardedFunction, Scope, TxParameter};
use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Ident, LitStr, PatType, ReturnType, Signature, Type};

/// The function with its guard inside.
pub(super) fn function(
    function: &GuardedFunction,
    engine: &Expr,
    written: &LitStr,
    (tx, maybe_tx): (TxParameter, &[Type]),
) -> TokenStream {
    let maybe_tx = maybe_tx.iter().map(renamed_check);
    let (crate_name, rt) = (runtime_path(function.runtime.as_ref()), runtime());
    let GuardedFunction { outer, visibility, signature, body, .. } = function;
    let (policy, checks) = (policy(function), checks(function));
    let fill = fill_statements(function);
    // The spans make the compiler point at an engine that guards no functions, and at a value that
    // cannot be stored. The names are made here, so that a user's macro may write any part of the function.
    let [policy_name, message_name, work] =
        ["__policy", "__message", "__work"].map(|name| Ident::new(name, Span::call_site()));
    let message = quote_spanned!(written.span()=> #rt::Message::new(#policy_name, &#engine));
    let (returned, span) = match &signature.output {
        ReturnType::Default => (quote!(()), signature.ident.span()),
        ReturnType::Type(_, kind) => (quote!(#kind), kind.span()),
    };
    let (signature, transaction) = without_tx(signature, tx);
    // If the parameter is not a `Tx`, its span makes the compiler point at it.
    let guard = if let Some(FnArg::Typed(PatType { ty, .. })) = &transaction {
        quote_spanned!(ty.span()=> guard_in_transaction::<#ty, _, _, _>)
    } else {
        quote!(guard)
    };
    let guarded = quote_spanned!(span=> #rt::#guard(#message_name, #work).await);
    let body = typed_body(body, &returned);
    let within = transaction.map(|transaction| quote!(move |#transaction|));
    quote! {
        #(#outer)*
        #visibility #signature {
            use #crate_name as #rt;
            #(#maybe_tx)*
            #checks
            let __message = {
                let __policy = {
                    static POLICY: #rt::Policy = #policy;
                    &POLICY
                };
                let mut __message = #message;
                #fill
                __message
            };
            let __work = #within async move #body;
            #guarded
        }
    }
}

/// The body with a `return` of the declared type before it, so that the type of the block is known.
fn typed_body(body: &Group, returned: &TokenStream) -> Group {
    let mut first = body.stream().into_iter().take(2).map(|token| token.to_string());
    let has_inner_attributes =
        first.next().as_deref() == Some("#") && first.next().as_deref() == Some("!");
    // A body of one line draws a lint if it stands within braces of its own.
    let statements = if has_inner_attributes { body.to_token_stream() } else { body.stream() };
    let typed = quote! {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            reason = "it never runs: it gives the block its type, which `?` leaves open"
        )]
        if false {
            let __returned: #returned = loop {};
            return __returned;
        }
        #statements
    };
    let mut block = Group::new(Delimiter::Brace, typed);
    block.set_span(body.span());
    block
}

/// The assertion that a type is not a `Tx` by another name: callers have no `Tx` to pass.
fn renamed_check(ty: &Type) -> TokenStream {
    let rt = runtime();
    let what = "this is the `Tx` of the call by another name: mark the parameter by `#[tx]`";
    quote_spanned! {ty.span()=>
        const _: () = {
            #[allow(unused_imports, reason = "a `Tx` does not need it")]
            use #rt::NoTx as _;
            ::core::assert!(!#rt::IsTx::<#ty>::IS_TX, #what);
        };
    }
}

/// The signature as callers see it, and the parameter that the runtime fills in.
fn without_tx(signature: &Signature, tx: TxParameter) -> (Signature, Option<FnArg>) {
    let mut signature = signature.clone();
    let TxParameter::At(place) = tx else { return (signature, None) };
    let transaction = signature.inputs.iter().nth(place).cloned();
    let others = signature.inputs.into_iter().enumerate().filter(|(other, _)| *other != place);
    signature.inputs = others.map(|(_, input)| input).collect();
    (signature, transaction)
}

/// The statements that fill in the templates.
fn fill_statements(function: &GuardedFunction) -> TokenStream {
    let key = fill(&function.key);
    let mut statements = quote!(__message.key()#key;);
    match &function.scope {
        Scope::App => {}
        Scope::Shared => statements.extend(quote!(__message.scope();)),
        Scope::Template(template) => {
            let scope = fill(template);
            statements.extend(quote!(__message.scope()#scope;));
        }
    }
    if let Fingerprint::Template(template) = &function.policy.fingerprint {
        let fingerprint = fill(template);
        statements.extend(quote!(__message.fingerprint()#fingerprint;));
    }
    statements
}
