//! The identity of a request: its key, its scope, and its fingerprint.

use crate::diagnostics::Mistake;
use crate::model::{Fingerprint, KeyRequirement, Scope, Template};
use crate::strategy::{DefaultKey, KeyForm, Subject};
use crate::validate::reader::Reader;
use crate::validate::{template, values};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{LitStr, Signature};

/// The template of the key, or the key that the strategy has by default.
pub(super) fn key(reader: &mut Reader<'_>) -> Template {
    let may_be_constant = reader.strategy.key_form == KeyForm::MayBeConstant;
    let written = if may_be_constant { reader.in_braces("key") } else { reader.template("key") };
    written.unwrap_or_else(|| match reader.strategy.default_key {
        DefaultKey::Header => template::header("Idempotency-Key"),
        DefaultKey::PathAndQuery | DefaultKey::Unkeyed | DefaultKey::Given => Template::default(),
    })
}

/// A method must name its operation: the attribute sees neither the type around it nor its parameters,
/// and methods of the same name would answer for each other.
pub(super) fn check_operation(reader: &mut Reader<'_>, signature: &Signature) {
    let is_function = reader.strategy.subject == Subject::Function;
    let is_method =
        signature.receiver().is_some() || mentions_self_type(signature.to_token_stream());
    if is_function && is_method && !reader.is_written("operation") {
        let name = &signature.ident;
        reader.mistakes.add(
            Mistake::new(name.span(), "a guarded method must name its operation")
                .help(format!("add `operation = \"{name}\"` to the attribute"))
                .note("methods of the same name on several types would otherwise be one operation"),
        );
    }
}

fn mentions_self_type(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions_self_type(group.stream()),
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether a request must have a key.
pub(super) fn key_requirement(reader: &mut Reader<'_>) -> KeyRequirement {
    // A row needs no key; with one, the first answer is replayed before the row is checked. A read
    // has path and query as its key.
    let is_unkeyed =
        matches!(reader.strategy.default_key, DefaultKey::PathAndQuery | DefaultKey::Unkeyed);
    if is_unkeyed && !reader.is_written("key") {
        return KeyRequirement::Unkeyed;
    }
    let required = reader.find("required").map(values::boolean);
    match required.and_then(|value| reader.mistakes.keep(value)) {
        Some(false) => KeyRequirement::Optional,
        Some(true) | None => KeyRequirement::Required,
    }
}

/// The part of a request that a repetition must repeat.
pub(super) fn fingerprint(reader: &mut Reader<'_>) -> Fingerprint {
    let Some(text) = reader.text("fingerprint") else { return Fingerprint::Request };
    match text.value().as_str() {
        "request" => Fingerprint::Request,
        "none" => Fingerprint::Nothing,
        _ => {
            let template = reader.resolve(&text);
            reader.mistakes.keep(fingerprint_varies(&text, &template));
            Fingerprint::Template(template)
        }
    }
}

/// The caller to whom keys and responses belong.
pub(super) fn scope(reader: &mut Reader<'_>) -> Scope {
    let Some(text) = reader.text("scope") else { return Scope::App };
    if text.value() == "shared" {
        return Scope::Shared;
    }
    let template = reader.resolve(&text);
    reader.mistakes.keep(scope_varies(&text, &template));
    Scope::Template(template)
}

fn fingerprint_varies(text: &LitStr, template: &Template) -> Result<(), Mistake> {
    if !template.0.is_empty() && template.is_constant() {
        let written = text.value();
        return Err(Mistake::new(text.span(), format!("unknown `fingerprint`: `{written}`"))
            .suggest(&written, ["request", "none"])
            .note("`fingerprint` is `request`, `none` or a template such as `{order.sku}`"));
    }
    Ok(())
}

fn scope_varies(text: &LitStr, template: &Template) -> Result<(), Mistake> {
    if !template.0.is_empty() && template.is_constant() {
        return Err(Mistake::new(text.span(), "the scope is the same for every caller")
            .suggest(&text.value(), ["shared"])
            .help("name the caller by a parameter, such as `scope = \"{caller.id}\"`, or leave `scope` out for the app's rule")
            .note("to let all callers share keys and responses on purpose: `scope = \"shared\"`"));
    }
    Ok(())
}
