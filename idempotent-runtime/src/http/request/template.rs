//! Filling in a template: `{header.…}`, `{query.…}`, `{path.…}`, `{cookie.…}`, `{form.…}` and the
//! values of the handler's own parameters.

#![expect(
    clippy::return_self_not_must_use,
    reason = "each call fills the template in; the value only chains"
)]

use crate::http::header_names::IDEMPOTENCY_KEY;
use crate::http::request::body::RequestBody;
use crate::http::request::key_header::{self, KeyForm, Unreadable};
use crate::http::request::multipart::Field;
use crate::http::request::target::{self, NotUtf8};
use crate::key::pairs;
use crate::template_value::{Showing, TemplateValue, Unfilled};
use actix_web::cookie::Cookie;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderValue, PROXY_AUTHORIZATION};
use actix_web::{HttpMessage, HttpRequest};
use std::borrow::Cow;
use std::fmt::Display;

/// The end of a message about a value that a handler cannot read as it was sent.
const NOT_UTF8: &str = "is not UTF-8";

/// The value of a placeholder; `None` if the request does not have it.
type ReadValue<'a> = Result<Option<Cow<'a, str>>, String>;

/// The meaning of a header that the request does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AbsentHeader {
    /// The template cannot be filled in.
    Missing,
    /// The absence is a value like others, since a handler answers without the header, too.
    Value,
}

/// Fills in one template from one request. Every method adds a segment.
pub struct Template<'a> {
    pub(crate) value: &'a mut TemplateValue,
    pub(crate) request: &'a HttpRequest,
    pub(crate) body: &'a RequestBody,
    pub(crate) form: KeyForm,
    pub(crate) absent_header: AbsentHeader,
    /// The longest value, in bytes.
    pub(crate) longest: usize,
}

impl Template<'_> {
    /// Literal text.
    pub fn text(self, text: &str) -> Self {
        self.value.text(text);
        self
    }

    /// Notes the expression whose value comes next, since its evaluation may panic.
    pub const fn expression(self, written: &'static str) -> Self {
        self.value.evaluate(written);
        self
    }

    /// Adds the value of the expression, as `Display` writes it.
    pub fn value(self, value: &dyn Display) -> Self {
        self.value.show(value, self.longest);
        self
    }

    /// Adds a header, which must have one line.
    pub fn header(self, name: &str) -> Self {
        let what = || format!("the header `{name}`");
        let headers = self.request.headers();
        let read = if name.eq_ignore_ascii_case(IDEMPOTENCY_KEY.as_str()) {
            // This name is a constant, so it is not built for each request.
            let line = one(headers.get_all(IDEMPOTENCY_KEY), HeaderValue::as_bytes);
            line.and_then(|line| line.map_or(Ok(None), |line| key(line, self.form)))
        } else {
            let line = one(headers.get_all(name), HeaderValue::as_bytes);
            line.and_then(|line| line.map(printable).transpose())
        };
        if self.absent_header == AbsentHeader::Value && read == Ok(None) {
            self.value.put_absent();
            return self;
        }
        let secret = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
        let is_secret = secret.iter().any(|hidden| name.eq_ignore_ascii_case(hidden.as_str()));
        let showing = if is_secret { Showing::Secret } else { Showing::of(name) };
        self.read(what, read, showing)
    }

    /// Adds a query parameter, decoded, which must occur once.
    pub fn query(self, name: &str) -> Self {
        let read = one_pair(self.request.query_string().as_bytes(), name);
        self.read(|| format!("the query parameter `{name}`"), read, Showing::of(name))
    }

    /// Adds a segment of the path, by its name in the route, decoded as `web::Path` decodes it.
    pub fn path(self, name: &str) -> Self {
        let read = target::segment(self.request, name).map_err(|NotUtf8| NOT_UTF8.to_owned());
        if read == Ok(None) {
            // A surrounding scope may have the segment, so the attribute cannot check this.
            let pattern = self.request.match_pattern().unwrap_or_default();
            let why = format!("a template reads `{{path.{name}}}`, but the route is `{pattern}`");
            self.value.put_unmatched(why);
            return self;
        }
        self.read(|| format!("the path segment `{name}`"), read, Showing::of(name))
    }

    /// Adds a cookie, which must occur once.
    pub fn cookie(self, name: &str) -> Self {
        let read = one_cookie(self.request, name);
        self.read(|| format!("the cookie `{name}`"), read, Showing::Secret)
    }

    /// Adds a text field of a form, urlencoded or multipart, which must occur once.
    pub fn form(self, name: &str) -> Self {
        let kind = self.request.content_type();
        let read = if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            one_field(self.request, self.body, name)
        } else {
            one_part(self.body, name)
        };
        self.read(|| format!("the form field `{name}`"), read, Showing::of(name))
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
    let pairs = pairs(encoded).filter(|(key, _)| **key == *name.as_bytes());
    one(pairs, |(_, value)| value)?.map(text).transpose()
}

/// One field of a form, in the charset that the request names, as `web::Form` reads it.
fn one_field<'a>(request: &HttpRequest, body: &'a RequestBody, name: &str) -> ReadValue<'a> {
    let Some(body) = &body.plain else {
        return Err("is in a form that is compressed".to_owned());
    };
    let unknown = |_| "is in a form whose charset is unknown".to_owned();
    let charset = request.encoding().map_err(unknown)?;
    if charset.name() == "UTF-8" {
        return one_pair(body, name);
    }
    let decoded = charset.decode_without_bom_handling_and_without_replacement(body);
    let decoded = decoded.ok_or("is in a form that is not in its charset")?;
    one_pair(decoded.as_bytes(), name)
        .map(|value| value.map(|value| Cow::Owned(value.into_owned())))
}

/// One cookie, as `HttpRequest::cookie` reads it. A cookie that cannot be read is left out.
fn one_cookie<'a>(request: &HttpRequest, name: &str) -> ReadValue<'a> {
    let mut values = Vec::new();
    for line in request.headers().get_all(COOKIE) {
        let line = std::str::from_utf8(line.as_bytes())
            .map_err(|_| "is in a Cookie header that is not UTF-8".to_owned())?;
        for pair in line.split(';').map(str::trim) {
            match Cookie::parse_encoded(pair) {
                Ok(cookie) if cookie.name() == name => {
                    values.push(Cow::Owned(cookie.value().to_owned()));
                }
                Err(_) if pair.split_once('=').is_some_and(|(own, _)| own.trim() == name) => {
                    return Err(NOT_UTF8.to_owned());
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    one(values.into_iter(), |value| value)
}

fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, String> {
    let text = match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    text.ok_or_else(|| NOT_UTF8.to_owned())
}

fn one_part<'a>(body: &'a RequestBody, name: &str) -> ReadValue<'a> {
    let Some(form) = body.form() else { return Ok(None) };
    let fields = form.and_then(|form| form.named(name));
    let fields = fields.map_err(|_| "is in a multipart form that cannot be read".to_owned())?;
    match one(fields.into_iter(), |field| field)? {
        Some(Field::Text(text)) => Ok(Some(Cow::Owned(text.to_owned()))),
        Some(Field::File) => Err("is a file".to_owned()),
        None => Ok(None),
    }
}

/// The only item. Of several items another program might read another one.
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
        _ => Err("holds a control character or is not UTF-8".to_owned()),
    }
}
