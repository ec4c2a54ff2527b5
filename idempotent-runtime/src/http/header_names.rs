//! The names of the headers of our own, in one place.

use actix_web::http::header::HeaderName;

pub(crate) const REPLAYED: &str = "idempotency-replayed";
pub(crate) const STORED: &str = "idempotency-stored";
pub(crate) const PROBLEM: &str = "idempotency-problem";

/// The key of a request, where a handler or a [`Middleware`](crate::Middleware) names no other header
/// (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// `true` on the response of an earlier request that is sent again.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static(REPLAYED);

/// `false` on a response that a retry will not get: it is not stored, or not whole.
pub const IDEMPOTENCY_STORED: HeaderName = HeaderName::from_static(STORED);

/// The last segment of a problem's type, on every problem, however the app renders it.
///
/// Scripts of another origin can read this header, and the two above, only if the app exposes them
/// (`Access-Control-Expose-Headers`).
pub const IDEMPOTENCY_PROBLEM: HeaderName = HeaderName::from_static(PROBLEM);
