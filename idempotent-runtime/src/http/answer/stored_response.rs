//! A stored response, sent again.

#[cfg(feature = "compress")]
use crate::http::answer::decoded::acceptable;
use crate::http::header_names::{IDEMPOTENCY_REPLAYED, IDEMPOTENCY_STORED};
use crate::outcome::StoredResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{AGE, CACHE_CONTROL, EXPIRES, HeaderName, HeaderValue, PRAGMA};
use actix_web::{HttpRequest, HttpResponse};

/// The handler's own choice whether its response is stored. In the response's extensions it overrules the
/// policy's choice by status.
///
/// ```
/// use actix_web::HttpResponse;
/// use idempotent_runtime::response::StoreResponse;
///
/// let mut response = HttpResponse::Ok().body("the queue was full, try again");
/// response.extensions_mut().insert(StoreResponse::No);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreResponse {
    /// Store it: a retry gets the same response.
    Yes,
    /// Do not store it: the key is free, and a retry runs.
    No,
}

/// A replay of a stored response, with the header that says so. `None` if it holds a part that no response
/// may have.
pub(crate) fn replay(request: &HttpRequest, stored: StoredResponse) -> Option<HttpResponse> {
    uncacheable(request, stored).map(replayed)
}

/// Marks a response as a replay, for its client.
pub(crate) fn replayed(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// A stored response that no cache may keep; `None` if it holds a part that no response may have.
pub(crate) fn uncacheable(request: &HttpRequest, stored: StoredResponse) -> Option<HttpResponse> {
    let mut response = rebuild(request, stored)?;
    for of_caches in [AGE, EXPIRES, PRAGMA] {
        response.headers_mut().remove(of_caches);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// A stored response in a coding that the client accepts; `None` if it holds a part that no response may have.
pub(crate) fn rebuild(request: &HttpRequest, stored: StoredResponse) -> Option<HttpResponse> {
    let mut response = HttpResponse::new(StatusCode::from_u16(stored.status).ok()?);
    for (name, value) in stored.headers {
        let name = HeaderName::from_bytes(&name).ok()?;
        response.headers_mut().append(name, HeaderValue::from_maybe_shared(value).ok()?);
    }
    if stored.body.is_empty() {
        return Some(response);
    }
    Some(acceptable(request, response.set_body(BoxBody::new(stored.body))))
}

/// Without the feature, every client gets the stored coding.
#[cfg(not(feature = "compress"))]
fn acceptable(_: &HttpRequest, response: HttpResponse) -> HttpResponse {
    response
}

/// Tells the client that a retry will not get this response.
pub(crate) fn not_stored(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(IDEMPOTENCY_STORED, HeaderValue::from_static("false"));
    response
}
