//! Entry points for a fuzzer: reading a request, and sending a stored response.

#![expect(clippy::missing_panics_doc, reason = "a panic is what a fuzzer looks for")]

use crate::http::answer::stored_response;
use crate::http::request::body::RequestBody;
use crate::http::request::key_header::{KEY_MAX, KeyForm, parse};
use crate::http::request::template::{AbsentHeader, Template};
use crate::outcome::StoredResponse;
use crate::template_value::{TemplateValue, Unfilled};
use actix_web::http::Uri;
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use bytes::Bytes;
use futures_util::FutureExt;
use std::pin::pin;

/// The value of an Idempotency-Key header.
pub fn key_header(value: &[u8]) {
    let read = parse(value, KeyForm::Lenient);
    if let Ok(strict) = parse(value, KeyForm::Strict) {
        assert_eq!(read, Ok(strict), "the strict form is one of the lenient ones");
    }
    let Ok(key) = read else { return };
    assert!((1..=KEY_MAX).contains(&key.len()));
    assert!(key.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{key:?}");
    let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    assert_eq!(parse(quoted.as_bytes(), KeyForm::Strict), Ok(key), "both forms are one key");
}

/// The greatest length of a value, as an app sets it.
const LONGEST: usize = 64;

/// A request's query, content type, cookie, a header and the body, separated by zero bytes, read by templates.
pub fn request(sent: &[u8]) {
    let mut parts = sent.splitn(5, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (query, kind, cookie, header, body) = (next(), next(), next(), next(), next());
    let mut request = TestRequest::default();
    if let Ok(uri) = Uri::try_from([b"/path?", query].concat()) {
        request = request.uri(&uri.to_string());
    }
    let named = [
        (CONTENT_TYPE, kind),
        (COOKIE, cookie),
        (HeaderName::from_static("idempotency-key"), header),
        (HeaderName::from_static("x-other"), header),
    ];
    for (name, value) in named {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request = request.append_header((name, value));
        }
    }
    let (request, body) = (request.to_http_request(), Bytes::copy_from_slice(body));
    // The whole body is there, so nothing waits.
    let mut reading = pin!(RequestBody::of(&request, body, usize::MAX));
    let read = loop {
        if let Some(read) = reading.as_mut().now_or_never() {
            break read;
        }
    };
    let Ok(body) = read else { return };
    let fills = |fill: fn(Template<'_>) -> Template<'_>| {
        let mut value = TemplateValue::default();
        fill(Template {
            value: &mut value,
            request: &request,
            body: &body,
            form: KeyForm::Lenient,
            absent_header: AbsentHeader::Missing,
            longest: LONGEST,
        });
        match value.segments() {
            Ok(segments) => {
                let last = value.value();
                assert!(!last.is_empty(), "what is empty is missing");
                assert!(segments.whole().ends_with(last), "{segments:?}");
                assert!(segments.label().len() <= 120, "{segments:?}");
            }
            Err(
                Unfilled::Absent(why)
                | Unfilled::Missing(why)
                | Unfilled::Invalid(why)
                | Unfilled::Unmatched(why),
            ) => {
                assert!(!why.is_empty());
            }
        }
    };
    fills(|template| template.header("Idempotency-Key"));
    fills(|template| template.text("a:").header("X-Other"));
    fills(|template| template.query("id"));
    fills(|template| template.cookie("sid"));
    fills(|template| template.form("token"));
}

/// A stored response whose bytes may be anything.
pub(crate) fn replay(stored: StoredResponse) {
    let status = stored.status;
    let request = TestRequest::default().insert_header((ACCEPT_ENCODING, "identity"));
    if let Some(response) = stored_response::replay(&request.to_http_request(), stored) {
        assert_eq!(response.status().as_u16(), status);
    }
}
