//! Filling in a template: `{header.…}`, `{query.…}`, `{path.…}`, `{cookie.…}`, `{form.…}` and the
//! values of the handler's own parameters.

#![expect(
    clippy::return_self_not_must_use,
    reason = "each call fills the template in; the value only chains"
)]

use crate::http::request::body::is_multipart;
use crate::http::request::key_header::{self, KeyForm, Unreadable};
use crate::http::request::multipart::{Field, MultipartForm};
use crate::template_value::{Showing, TemplateValue, Unfilled};
use actix_web::http::header::{
    AUTHORIZATION, COOKIE, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
};
use actix_web::{HttpMessage, HttpRequest};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt::Display;

/// The header whose value may be a Structured Field.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The value of a placeholder: none, where the request does not have it.
type ReadValue<'a> = Result<Option<Cow<'a, str>>, String>;

/// Fills in one template from one request; every method adds a segment.
pub struct Template<'a> {
    pub(crate) value: &'a mut TemplateValue,
    pub(crate) request: &'a HttpRequest,
    pub(crate) body: &'a Bytes,
    pub(crate) form: KeyForm,
    /// The longest value, in bytes.
    pub(crate) longest: usize,
}

impl Template<'_> {
    /// Literal text.
    pub fn text(self, text: &str) -> Self {
        self.value.text(text);
        self
    }

    /// The value of an expression, as `Display` writes it.
    pub fn value(self, expression: &str, value: &dyn Display) -> Self {
        self.value.show(expression, value, self.longest);
        self
    }

    /// The one line of a header field.
    pub fn header(self, name: &str) -> Self {
        let what = || format!("the header `{name}`");
        let headers = self.request.headers();
        let read = if name.eq_ignore_ascii_case(KEY.as_str()) {
            // By a name that need not be made for each request.
            let line = one(headers.get_all(KEY), HeaderValue::as_bytes);
            line.and_then(|line| line.map_or(Ok(None), |line| key(line, self.form)))
        } else {
            let line = one(headers.get_all(name), HeaderValue::as_bytes);
            line.and_then(|line| line.map(printable).transpose())
        };
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
        let read = Ok(self.request.match_info().get(name).map(Cow::Borrowed));
        self.read(|| format!("the path segment `{name}`"), read, Showing::Plain)
    }

    /// The one cookie of this name.
    pub fn cookie(self, name: &str) -> Self {
        let read = match self.request.cookies() {
            Ok(cookies) => one(cookies.iter().filter(|cookie| cookie.name() == name), |cookie| {
                Cow::Owned(cookie.value().to_owned())
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
        } else if is_multipart(self.request) {
            one_part(self.request, self.body, name)
        } else {
            Ok(None)
        };
        self.read(|| format!("the form field `{name}`"), read, Showing::Plain)
    }

    fn read(self, what: impl Fn() -> String, read: ReadValue<'_>, showing: Showing) -> Self {
        match read {
            Ok(value) => self.value.put(what, value.as_deref(), self.longest, showing),
            Err(why) => self.value.fail(Unfilled::Invalid(format!("{} {why}", what()))),
        }
        self
    }
}

fn one_pair<'a>(encoded: &'a [u8], name: &str) -> ReadValue<'a> {
    let pairs = form_urlencoded::parse(encoded);
    one(pairs.filter(|(key, _)| key == name), |(_, value)| value)
}

fn one_part<'a>(request: &HttpRequest, body: &'a [u8], name: &str) -> ReadValue<'a> {
    let fields = MultipartForm::of(request, body).and_then(|parts| parts.named(name));
    let fields = fields.map_err(|_| "is in a multipart form that cannot be read".to_owned())?;
    match one(fields.into_iter(), |field| field)? {
        Some(Field::Text(text)) => Ok(Some(Cow::Owned(text.to_owned()))),
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

fn key(line: &[u8], form: KeyForm) -> ReadValue<'_> {
    match key_header::parse(line, form) {
        Ok(key) => Ok(Some(key)),
        Err(Unreadable::Empty) => Ok(Some(Cow::Borrowed(""))),
        Err(Unreadable::Malformed(why)) => Err(format!("cannot be read: {why}")),
    }
}

fn printable(line: &[u8]) -> Result<Cow<'_, str>, String> {
    match std::str::from_utf8(line) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(Cow::Borrowed(text)),
        _ => Err("holds a control character or is no UTF-8".to_owned()),
    }
}
