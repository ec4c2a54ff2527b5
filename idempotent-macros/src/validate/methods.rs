//! The HTTP methods of a handler of reads, if its route stands below the attribute.

use crate::diagnostics::Mistake;
use crate::strategy::DefaultKey;
use crate::validate::reader::Reader;
use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitStr, Token};

/// The route macros of actix-web for methods that may change something.
const WRITES: [&str; 6] = ["post", "put", "patch", "delete", "connect", "trace"];

/// An answer that many read must be the answer to a GET or a HEAD.
pub(super) fn check(reader: &mut Reader<'_>, routes: &[Attribute]) {
    if reader.strategy.default_key != DefaultKey::PathAndQuery {
        return;
    }
    let name = reader.strategy.name;
    for (span, method) in routes.iter().flat_map(writes) {
        reader.mistakes.add(
            Mistake::new(
                span,
                format!("`strategy = \"{name}\"` is for reads, and this is a {method}"),
            )
            .help("route the handler by `#[get(…)]`, or guard it by another strategy")
            .note("an answer is computed for one reader and given to others"),
        );
    }
}

/// The methods of a route that are not reads, and their places.
fn writes(attribute: &Attribute) -> Vec<(Span, String)> {
    let Some(last) = attribute.path().segments.last() else { return Vec::new() };
    let name = last.ident.to_string();
    if WRITES.contains(&name.as_str()) && has_pattern(attribute) {
        return vec![(last.ident.span(), name.to_uppercase())];
    }
    let methods = attribute.parse_args::<Methods>().ok().filter(|_| name == "route");
    let methods = methods.map_or_else(Vec::new, |Methods(methods)| methods);
    let written = methods.into_iter().map(|method| (method.span(), method.value()));
    written.filter(|(_, method)| !["GET", "HEAD"].contains(&method.as_str())).collect()
}

/// Whether an attribute begins with a pattern, as a route does. Another macro of that name does not.
fn has_pattern(attribute: &Attribute) -> bool {
    let list = attribute.meta.require_list().ok();
    let first = list.and_then(|list| list.tokens.clone().into_iter().next());
    first.is_some_and(|first| syn::parse2::<LitStr>(first.into()).is_ok())
}

/// The methods in `#[route("/", method = "GET", …)]`.
struct Methods(Vec<LitStr>);

impl Parse for Methods {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut methods = Vec::new();
        input.parse::<LitStr>()?;
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let name = Ident::parse_any(input)?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            if name == "method" {
                methods.push(value);
            }
        }
        Ok(Self(methods))
    }
}
