//! Templates as chains of calls.

use crate::model::{
    Fingerprint, GuardedFunction, Parameter, Row, Scope, Segment, Template, Window,
};
use crate::strategy::DefaultKey;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Index;

/// Every template of a guarded function.
pub(super) fn templates(guarded: &GuardedFunction) -> Vec<&Template> {
    let mut templates = vec![&guarded.key];
    if let Scope::Template(scope) = &guarded.scope {
        templates.push(scope);
    }
    if let Fingerprint::Template(fingerprint) = &guarded.policy.fingerprint {
        templates.push(fingerprint);
    }
    if let Window::Within(_, timestamp) = &guarded.window {
        templates.push(timestamp);
    }
    templates.extend(&guarded.first_sent);
    if let Some(row) = guarded.row.name() {
        templates.push(&row.id);
        templates.extend(row.owner.as_ref().map(|owner| &owner.value));
    }
    if let Row::Versioned { version: Some(version), .. } = &guarded.row {
        templates.push(version);
    }
    templates
}

/// The headers that tell a function's answers apart, in lower case.
pub(super) fn answer_headers(guarded: &GuardedFunction) -> Vec<String> {
    if guarded.policy.strategy.default_key != DefaultKey::PathAndQuery {
        return Vec::new();
    }
    let scope = match &guarded.scope {
        Scope::Template(scope) => Some(scope),
        Scope::App | Scope::Shared => None,
    };
    let read = [Some(&guarded.key), scope].into_iter().flatten();
    read.flat_map(Template::headers).map(str::to_ascii_lowercase).collect()
}

/// Calls that fill in a template, one for each segment.
pub(super) fn fill(template: &Template) -> TokenStream {
    let calls = template.0.iter().map(|segment| match segment {
        Segment::Text(text) => quote!(.text(#text)),
        Segment::Request(source, name) => {
            let source = format_ident!("{}", source.name());
            quote!(.#source(#name))
        }
        Segment::Value(expression, written) => {
            quote_spanned!(written.span()=> .expression(#written).value(&#expression))
        }
    });
    quote!(#(#calls)*)
}

/// The parameters that templates name, as references into the extracted tuple.
pub(super) fn bindings(templates: &[&Template], parameters: &[Parameter]) -> TokenStream {
    let words: Vec<String> = templates.iter().flat_map(|template| words_of(template)).collect();
    let bindings = parameters.iter().enumerate().filter_map(|(place, parameter)| {
        let used = parameter.names.iter().any(|name| words.contains(&name.to_string()));
        let (pattern, place) = (&parameter.pattern, Index::from(place));
        let more = "a pattern may bind more than its template names";
        used.then(|| {
            quote! {
                #[allow(unused_variables, reason = #more)]
                let #pattern = &__arguments.#place;
            }
        })
    });
    quote!(#(#bindings)*)
}

/// Every word in the expressions of a template.
fn words_of(template: &Template) -> Vec<String> {
    let mut words = Vec::new();
    for segment in &template.0 {
        if let Segment::Value(expression, _) = segment {
            add_words(expression.to_token_stream(), &mut words);
        }
    }
    words
}

fn add_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(word) => words.push(word.to_string()),
            proc_macro2::TokenTree::Group(group) => add_words(group.stream(), words),
            _ => {}
        }
    }
}
