//! HTTP headers for answers that many readers get: their age, tag and audience (RFC 9110, 9111).

use crate::http::answer::kept_headers::carry_credential;
use crate::http::answer::vary::varies_beyond;
use crate::key::hashed;
use crate::outcome::StoredResponse;
use crate::policy::Policy;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, EntityTag, Header, HeaderMap,
    HeaderName, HeaderValue, IfNoneMatch, SET_COOKIE,
};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use std::time::Duration;

/// The readers of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// All callers.
    All,
    /// Callers of one scope.
    OneScope,
}

/// Whether a response may be kept for later readers, as far as its own headers tell.
///
/// If all callers share one scope, a response with a credential, or marked `private`, is kept for nobody: it
/// may be for one caller alone.
pub(crate) fn may_be_kept(policy: &Policy, response: &HttpResponse, audience: Audience) -> bool {
    let headers = response.headers();
    let says = |name: HeaderName, word: &str| {
        let lines = headers.get_all(name).filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|part| {
            let directive = part.split('=').next().unwrap_or_default();
            directive.trim().eq_ignore_ascii_case(word)
        })
    };
    !headers.contains_key(SET_COOKIE)
        && !says(CACHE_CONTROL, "no-store")
        && !varies_beyond_key(policy, headers)
        && (audience == Audience::OneScope
            || !says(CACHE_CONTROL, "private") && !carry_credential(policy, headers))
}

/// Whether an answer depends on a request header that its key does not read. If it does, a log line says so.
fn varies_beyond_key(policy: &Policy, headers: &HeaderMap) -> bool {
    let Some(header) = varies_beyond(headers, policy.answer_headers) else { return false };
    tracing::warn!(
        operation = policy.shown_operation(),
        "an answer is not kept: its `Vary` header names `{header}`, but its key does not read that \
         header",
    );
    true
}

/// The response with a strong entity tag of the kept bytes, unless the handler gave it one.
pub(crate) fn tagged(
    mut response: HttpResponse,
    mut copy: StoredResponse,
) -> (HttpResponse, StoredResponse) {
    if response.headers().contains_key(ETAG) {
        return (response, copy);
    }
    if let Some(tag) = tag(&copy) {
        copy.headers.push(line(&tag));
        response.headers_mut().insert(ETAG, tag);
    }
    (response, copy)
}

/// The same, for a response whose head was sent before its body was known. Later readers get the tag.
pub(crate) fn with_tag(mut copy: StoredResponse) -> StoredResponse {
    let is_tagged = copy.headers.iter().any(|(name, _)| name == ETAG.as_str());
    if let Some(tag) = tag(&copy).filter(|_| !is_tagged) {
        copy.headers.push(line(&tag));
    }
    copy
}

fn line(tag: &HeaderValue) -> (Bytes, Bytes) {
    (Bytes::from_static(ETAG.as_str().as_bytes()), Bytes::copy_from_slice(tag.as_bytes()))
}

fn tag(copy: &StoredResponse) -> Option<HeaderValue> {
    let content = copy.headers.iter().filter(|(name, _)| name.starts_with(b"content-"));
    let parts = content.flat_map(|(name, value)| [&name[..], &value[..]]).chain([&copy.body[..]]);
    strong_tag(hashed(&copy.status.to_le_bytes(), parts))
}

/// A strong entity tag of the first bytes of a hash.
pub(crate) fn strong_tag(hash: [u8; 32]) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&hash[..16]))).ok()
}

/// The response with its age, and with a `Cache-Control` for other caches unless the handler set one.
///
/// Other caches have to ask here each time, so that an answer that is forgotten here does not live on there.
pub(crate) fn with_age(
    mut response: HttpResponse,
    age: Option<Duration>,
    audience: Audience,
) -> HttpResponse {
    let headers = response.headers_mut();
    if let Some(age) = age {
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        let words = match audience {
            Audience::All => "no-cache",
            Audience::OneScope => "private, no-cache",
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(words));
    }
    response
}

/// 304 in place of a response that the client already has (RFC 9110, section 13.1.2).
pub(crate) fn conditional(request: &HttpRequest, response: HttpResponse) -> HttpResponse {
    if response.status() != StatusCode::OK || !is_had(request, &response) {
        return response;
    }
    let mut unchanged = HttpResponse::new(StatusCode::NOT_MODIFIED);
    for (name, value) in response.headers() {
        if *name != CONTENT_TYPE && *name != CONTENT_LENGTH {
            unchanged.headers_mut().append(name.clone(), value.clone());
        }
    }
    unchanged
}

/// Whether the client already has this response: its `If-None-Match` names the tag, by the weak comparison.
fn is_had(request: &HttpRequest, response: &HttpResponse) -> bool {
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()?.parse().ok());
    let Some(tag): Option<EntityTag> = tag else { return false };
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        // Without the header, the list is empty.
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|one| one.weak_eq(&tag)),
        Err(_) => false,
    }
}
