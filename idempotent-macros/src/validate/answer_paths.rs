//! The path parameters that the key of an answer reads.

use crate::diagnostics::Mistake;
use crate::model::{KeyRequirement, Parameter, Policy, Segment, Setting, Source, Template};
use crate::parse::bare;
use crate::strategy::DefaultKey;
use crate::validate::reader::Reader;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, LitStr, Type};

/// Extractors that read nothing of the path.
const OF_OTHER_PARTS: [&str; 9] =
    ["Query", "Json", "Form", "Data", "ThinData", "ReqData", "Header", "Bytes", "String"];

/// The path parameters that the key of an answer reads, if it must read all of the route's. It need not
/// if the operation is named, or if an expression may read some of the path.
pub(super) fn read(reader: &Reader<'_>, policy: &Policy, key: &Template) -> Option<Vec<String>> {
    let is_answer = reader.strategy.default_key == DefaultKey::PathAndQuery;
    let has_own_key = policy.key_requirement != KeyRequirement::Unkeyed;
    if !is_answer || !has_own_key || matches!(policy.operation, Setting::Own(_)) {
        return None;
    }
    let mut read = Vec::new();
    for segment in &key.0 {
        match segment {
            Segment::Request(Source::Path, name) => read.push(name.clone()),
            Segment::Request(..) | Segment::Text(_) => {}
            Segment::Value(value, _) => {
                let used = |parameter: &&Parameter| is_used(value.to_token_stream(), parameter);
                if reader.parameters.iter().filter(used).any(|used| may_read_path(&used.ty)) {
                    return None;
                }
            }
        }
    }
    Some(read)
}

fn is_used(expression: TokenStream, parameter: &Parameter) -> bool {
    expression.into_iter().any(|token| match token {
        TokenTree::Group(group) => is_used(group.stream(), parameter),
        TokenTree::Ident(ident) => parameter.names.contains(&ident),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn may_read_path(extractor: &Type) -> bool {
    let Type::Path(path) = bare(extractor) else { return true };
    let last = path.path.segments.last();
    !last.is_some_and(|last| OF_OTHER_PARTS.iter().any(|other| last.ident == other))
}

/// The key must read all parameters of a route that stands below the attribute.
pub(super) fn check(reader: &mut Reader<'_>, routes: &[Attribute], read: Option<&[String]>) {
    let (Some(read), Some(written)) = (read, reader.find("key")) else { return };
    let span = written.span();
    for pattern in routes.iter().filter_map(pattern) {
        let pattern = pattern.value();
        for name in parameters(&pattern).filter(|name| !read.iter().any(|read| read == name)) {
            reader.mistakes.add(
                Mistake::new(span, format!("the key does not read `{name}` of `{pattern}`"))
                    .help(format!("add `{{path.{name}}}` to the key"))
                    .note("otherwise all paths of the route share one answer; if they should, name the `operation`"),
            );
        }
    }
}

/// The pattern of a route macro of actix-web that a read can have.
fn pattern(attribute: &Attribute) -> Option<LitStr> {
    let macro_name = &attribute.path().segments.last()?.ident;
    if !["get", "head", "route"].iter().any(|name| macro_name == name) {
        return None;
    }
    let first = attribute.meta.require_list().ok()?.tokens.clone().into_iter().next()?;
    syn::parse2(first.into()).ok()
}

/// The names in a pattern: `{id}`, `{id:[0-9]{3}}`, `{tail}*`.
fn parameters(pattern: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    pattern.char_indices().filter_map(move |(at, letter)| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let name = (letter == '{' && depth == 1).then(|| &pattern[at + 1..])?;
        name.split([':', '}']).next().filter(|name| !name.is_empty())
    })
}
