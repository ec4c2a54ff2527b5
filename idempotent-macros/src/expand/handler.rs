//! The function that actix sees, with the user's own nested inside.
//!
//! It has the user's name and one form for all handlers, so route macros compose with it above and
//! below; ordinary type errors point into the user's own function, whose tokens are untouched.

use crate::expand::constants::checks;
use crate::expand::names::{runtime, runtime_path};
use crate::expand::own::OwnFunction;
use crate::expand::policy::policy;
use crate::expand::template::{bindings, fill, templates};
use crate::model::{
    Existing, Fingerprint, GuardedFunction, KeyRequirement, Parameter, Row, Scope, Window,
};
use crate::strategy::Execution;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Index, Path, ReturnType};

/// The function that actix sees, in place of the handler.
pub(super) fn handler(handler: &GuardedFunction) -> TokenStream {
    let (crate_name, rt) = (runtime_path(handler.runtime.as_ref()), runtime());
    let GuardedFunction { outer, visibility, signature, body, .. } = handler;
    let name = &signature.ident;
    let own = OwnFunction::of(handler);
    let policy = policy(handler);
    let (transition, checks) = (transition(handler), checks(handler));
    let types = parameter_types(handler);
    let fill = fill_closure(handler);
    let respond = match handler.existing {
        Existing::None => quote!(respond),
        Existing::Function { .. } => quote!(respond_unless_there),
    };
    let run = run_closure(handler, &own.path, &respond);
    let existing = existing_setter(handler);
    let task = task_setter(handler);
    let described =
        quote!(#rt::Handler::new(#policy, #rt::extract::<#types>, #fill, #run)#existing #task);
    // No `static` knows what `Self` is.
    let kept = if own.is_associated {
        quote!(const { &#described })
    } else {
        quote! {
            static HANDLER: #rt::Handler = #described;
            &HANDLER
        }
    };
    let OwnFunction { inside, beside, .. } = own;
    let statements = quote! {
        #inside
        use #crate_name as #rt;
        // This stands in a block of its own, so that the user's function cannot see it.
        let __handler: &'static #rt::Handler = {
            #transition
            #checks
            #kept
        };
        #rt::serve(__handler, __request)
    };
    // The span is that of the user's function, so that a warning that nothing uses it points there.
    let fn_token = signature.fn_token;
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(body.span());
    quote! {
        #(#outer)*
        #visibility #fn_token #name(
            __request: #crate_name::TestsCallItsUnguardedForm,
        ) -> #crate_name::Serving #block
        #beside
    }
}

/// The types of all parameters, as the tuple that is extracted.
fn parameter_types(handler: &GuardedFunction) -> TokenStream {
    let types = handler.parameters.iter().map(|parameter| unnamed(parameter.ty.to_token_stream()));
    // If one of them is not an extractor, the compiler points at the parameters.
    let inputs = handler.signature.paren_token.span.join();
    quote_spanned!(inputs=> (#(#types,)*))
}

/// A type without the names of its lifetimes: a name of the handler has no meaning outside of it.
fn unnamed(ty: TokenStream) -> TokenStream {
    let mut is_name = false;
    let one = |token| match token {
        TokenTree::Ident(name) if is_name && name != "static" => {
            is_name = false;
            TokenTree::Ident(Ident::new("_", name.span()))
        }
        TokenTree::Group(group) => {
            is_name = false;
            let mut inner = Group::new(group.delimiter(), unnamed(group.stream()));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => {
            is_name = matches!(&other, TokenTree::Punct(mark) if mark.as_char() == '\'');
            other
        }
    };
    ty.into_iter().map(one).collect()
}

/// The call that keeps the arguments of a task for its run.
fn task_setter(handler: &GuardedFunction) -> TokenStream {
    if handler.policy.strategy.execution != Execution::AsTask {
        return TokenStream::new();
    }
    let (rt, types) = (runtime(), parameter_types(handler));
    let name = |parameter: &Parameter| parameter.names.iter().map(ToString::to_string).collect();
    let names: Vec<String> = handler.parameters.iter().map(name).collect();
    let names = names.join(", ");
    quote!(.task(#rt::TaskSteps::of::<#types>(#names)))
}

/// The closure that calls a function with the extracted arguments and makes a response of what it
/// returns.
fn run_closure(
    handler: &GuardedFunction,
    function: &TokenStream,
    respond: &TokenStream,
) -> TokenStream {
    let signature = &handler.signature;
    let output = match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, kind) => kind.span(),
    };
    let (rt, types) = (runtime(), parameter_types(handler));
    let taken = if handler.parameters.is_empty() {
        TokenStream::new()
    } else {
        quote!(let __arguments = #rt::taken::<#types>(__arguments);)
    };
    let moved = (0..handler.parameters.len()).map(|place| {
        let place = Index::from(place);
        quote!(__arguments.#place)
    });
    // If the returned value is not a response, the compiler points at its type. So these names have the
    // span of that type, and must have it everywhere: a name in a type that a user's macro wrote is
    // another name than ours, although it is spelt alike.
    let returns = quote::format_ident!("__returns", span = output);
    let call = quote::format_ident!("__call", span = output);
    let respond = quote_spanned!(output=> #rt::#respond(__returns, __call));
    quote! {
        |__arguments, #call| {
            #taken
            let #returns = #rt::Box::pin(#function(#(#moved),*));
            #respond
        }
    }
}

/// The call that sets the function that answers when the insert violates a unique index.
fn existing_setter(handler: &GuardedFunction) -> TokenStream {
    let Existing::Function { path, .. } = &handler.existing else { return TokenStream::new() };
    let (rt, types) = (runtime(), parameter_types(handler));
    // If it is not such a function, the compiler points at its path.
    let respond = quote_spanned!(path.span()=> #rt::respond_in_its_place::<#types, _>(#path, __arguments, __call));
    quote!(.existing(|__arguments, __call| #respond))
}

/// The transition of the row, as a constant: the compiler refuses values that are not states, states
/// of two enums, and a transition that their enum does not declare.
fn transition(handler: &GuardedFunction) -> TokenStream {
    let Row::InState { from, to, .. } = &handler.row else { return TokenStream::new() };
    let rt = runtime();
    let last = |path: &Path| path.segments.last().map(|last| last.ident.to_string());
    let (was, becomes) = (last(from).unwrap_or_default(), last(to).unwrap_or_default());
    let message = format!(
        "`{was}` may not become `{becomes}`: add `#[to({becomes})]` to the variant `{was}`, or name \
         another state",
    );
    // Each state is named once, so that the compiler reports each mistake once.
    let declared = quote_spanned!(from.span()=> #rt::Transition::of(&[#from, #to], #was, #becomes));
    quote_spanned! {to.span()=>
        const __TRANSITION: #rt::Transition = #declared;
        const _: () = ::core::assert!(__TRANSITION.is_declared(), #message);
    }
}

/// The closure that fills in the templates.
fn fill_closure(handler: &GuardedFunction) -> TokenStream {
    let key = fill(&handler.key);
    let mut statements = match handler.policy.key_requirement {
        KeyRequirement::Unkeyed => TokenStream::new(),
        KeyRequirement::Required | KeyRequirement::Optional => quote!(__call.key()#key;),
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
    if let Some(template) = &handler.first_sent {
        let first_sent = fill(template);
        statements.extend(quote!(__call.first_sent()#first_sent;));
    }
    if let Some(row) = handler.row.name() {
        let id = fill(&row.id);
        statements.extend(quote!(__call.row()#id;));
        if let Some(owner) = &row.owner {
            let owner = fill(&owner.value);
            statements.extend(quote!(__call.owner()#owner;));
        }
    }
    if let Row::Versioned { version: Some(version), .. } = &handler.row {
        let version = fill(version);
        statements.extend(quote!(__call.version()#version;));
    }
    let bindings = bindings(&templates(handler), &handler.parameters);
    if bindings.is_empty() {
        return quote!(|__call, _| { #statements });
    }
    let (rt, types) = (runtime(), parameter_types(handler));
    quote! {
        |__call, __arguments| {
            let __arguments = #rt::borrowed::<#types>(__arguments);
            #bindings
            #statements
        }
    }
}
