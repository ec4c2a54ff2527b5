//! Filling in a template: `{header.…}`, `{query.…}`, `{path.…}`, `{cookie.…}`, `{form.…}` and the
//! values of the handler's own parameters.

#![expect(
    clippy::return_self_not_must_use,
    reason = "each call fills in the draft; the value only chains"
)]

use crate::draft::{Draft, Showing, Unfilled};
use crate::http::key_header::{self, KeyForm, Unreadable};
use crate::http::multipart::{self, Field, Parts};
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, PROXY_AUTHORIZATION};
use actix_web::{HttpMessage, HttpRequest};
use bytes::Bytes;
use std::fmt::Display;

/// Fills in one template from one request; every method adds a segment.
pub struct Template<'a> {
    pub(crate) draft: &'a mut Draft,
    pub(crate) request: &'a HttpRequest,
    pub(crate) body: &'a Bytes,
    pub(crate) form: KeyForm,
    /// The longest value, in bytes.
    pub(crate) longest: usize,
}

impl Template<'_> {
    /// Literal text.
    pub fn text(self, text: &str) -> Self {
        self.draft.text(text);
        self
    }

    /// The value of an expression, as `Display` writes it.
    pub fn value(self, expression: &str, value: &dyn Display) -> Self {
        self.draft.show(expression, value, self.longest);
        self
    }

    /// The one line of a header field.
    pub fn header(self, name: &str) -> Self {
        let what = || format!("the header `{name}`");
        let headers = self.request.headers();
        let read = one_line(headers, name).and_then(|line| match line {
            Some(line) if name.eq_ignore_ascii_case("Idempotency-Key") => {
                key(key_header::parse(line, self.form))
            }
            Some(line) => printable(line).map(Some),
            None => Ok(None),
        });
        let secret = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
        let showing = if secret.iter().any(|hidden| name.eq_ignore_ascii_case(hidden.as_str())) {
            Showing::Secret
        } else {
            Showing::Plain
        };
        self.read(what, read, showing)
    }

    /// The one occurrence of a query parameter, decoded.
    pub fn query(self, name: &str) -> Self {
        let read = one_pair(self.request.query_string().as_bytes(), name);
        self.read(|| format!("the query parameter `{name}`"), read, Showing::Plain)
    }

    /// A segment of the path, by its name in the route.
    pub fn path(self, name: &str) -> Self {
        let read = Ok(self.request.match_info().get(name).map(str::to_owned));
        self.read(|| format!("the path segment `{name}`"), read, Showing::Plain)
    }

    /// The one cookie of this name.
    pub fn cookie(self, name: &str) -> Self {
        let read = match self.request.cookies() {
            Ok(cookies) => one(cookies.iter().filter(|cookie| cookie.name() == name), |cookie| {
                cookie.value().to_owned()
            }),
            Err(_) => Err("is in a Cookie header that cannot be read".to_owned()),
        };
        self.read(|| format!("the cookie `{name}`"), read, Showing::Secret)
    }

    /// The one text field of this name in a form, urlencoded or multipart.
    pub fn form(self, name: &str) -> Self {
        let kind = self.request.content_type();
        let read = if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            one_pair(self.body, name)
        } else if multipart::is_multipart(self.request) {
            one_part(self.request, self.body, name)
        } else {
            Ok(None)
        };
        self.read(|| format!("the form field `{name}`"), read, Showing::Plain)
    }

    fn read(
        self,
        what: impl Fn() -> String,
        read: Result<Option<String>, String>,
        showing: Showing,
    ) -> Self {
        match read {
            Ok(value) => self.draft.put(what, value, self.longest, showing),
            Err(why) => self.draft.fail(Unfilled::Invalid(format!("{} {why}", what()))),
        }
        self
    }
}

fn one_line<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a [u8]>, String> {
    one(headers.get_all(name), actix_web::http::header::HeaderValue::as_bytes)
}

fn one_pair(encoded: &[u8], name: &str) -> Result<Option<String>, String> {
    let pairs = form_urlencoded::parse(encoded);
    one(pairs.filter(|(key, _)| key == name), |(_, value)| value.into_owned())
}

fn one_part(request: &HttpRequest, body: &[u8], name: &str) -> Result<Option<String>, String> {
    let fields = Parts::of(request, body).and_then(|parts| parts.named(name));
    let fields = fields.map_err(|_| "is in a multipart form that cannot be read".to_owned())?;
    match one(fields.into_iter(), |field| field)? {
        Some(Field::Text(text)) => Ok(Some(text.to_owned())),
        Some(Field::File) => Err("is a file".to_owned()),
        None => Ok(None),
    }
}

/// The only item; several of them could be read differently by somebody else.
fn one<T, U>(
    mut items: impl Iterator<Item = T>,
    take: impl Fn(T) -> U,
) -> Result<Option<U>, String> {
    let first = items.next().map(take);
    if items.next().is_some() { Err("is sent more than once".to_owned()) } else { Ok(first) }
}

fn key(read: Result<String, Unreadable>) -> Result<Option<String>, String> {
    match read {
        Ok(key) => Ok(Some(key)),
        Err(Unreadable::Empty) => Ok(Some(String::new())),
        Err(Unreadable::Malformed(why)) => Err(format!("cannot be read: {why}")),
    }
}

fn printable(line: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(line) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err("holds a control character or is no UTF-8".to_owned()),
    }
}
