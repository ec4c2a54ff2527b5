//! A function that no request calls: the same function, whose body runs if its key is claimed.
//!
//! Nothing is nested, so `self`, lifetimes and what the body borrows are as they were.

use crate::expand::names::{runtime, runtime_path};
use crate::expand::policy::policy;
use crate::expand::template::fill;
use crate::model::{Fingerprint, GuardedFunction, Scope, TxParameter};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, FnArg, LitStr, PatType, ReturnType, Signature, Type};

/// The function with its guard inside.
pub(super) fn function(
    function: &GuardedFunction,
    engine: &Expr,
    written: &LitStr,
    (tx, maybe_tx): (TxParameter, &[Type]),
) -> TokenStream {
    let maybe_tx = maybe_tx.iter().map(renamed_check);
    let (crate_name, rt) = (runtime_path(), runtime());
    let GuardedFunction { outer, inner, visibility, signature, body, .. } = function;
    let policy = policy(function);
    let fill = fill_statements(function);
    // Where something guards no functions, or a value cannot be stored, the compiler points there.
    let message = quote_spanned!(written.span()=> #rt::Message::new(__policy, &#engine));
    let (returned, span) = match &signature.output {
        ReturnType::Default => (quote!(()), signature.ident.span()),
        ReturnType::Type(_, kind) => (quote!(#kind), kind.span()),
    };
    let (signature, transaction) = without_tx(signature, tx);
    // Where the parameter is no `Tx`, the compiler points there.
    let guard = if let Some(FnArg::Typed(PatType { ty, .. })) = &transaction {
        quote_spanned!(ty.span()=> guard_in_transaction::<#ty, _, _, _>)
    } else {
        quote!(guard)
    };
    let guarded = quote_spanned!(span=> #rt::#guard(__message, __work).await);
    let within = transaction.map(|transaction| quote!(move |#transaction|));
    quote! {
        #(#outer)*
        #(#inner)*
        #visibility #signature {
            use #crate_name as #rt;
            #(#maybe_tx)*
            let __message = {
                let __policy = {
                    static POLICY: #rt::Policy = #policy;
                    &POLICY
                };
                let mut __message = #message;
                #fill
                __message
            };
            let __work = #within async move {
                #[allow(
                    unreachable_code,
                    clippy::diverging_sub_expression,
                    clippy::empty_loop,
                    reason = "it never runs: it says what the block returns, which `?` could not tell"
                )]
                if false {
                    let __returned: #returned = loop {};
                    return __returned;
                }
                #body
            };
            #guarded
        }
    }
}

/// The assertion that a type is no `Tx` by another name: callers could not give it.
fn renamed_check(ty: &Type) -> TokenStream {
    let rt = runtime();
    let what = "this is the `Tx` of the call by another name: mark the parameter by `#[tx]`";
    quote_spanned! {ty.span()=>
        const _: () = {
            #[allow(unused_imports, reason = "a `Tx` does without")]
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
