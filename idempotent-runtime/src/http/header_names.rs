//! The names of our own headers, in one place.

use actix_web::http::header::HeaderName;

pub(crate) const REPLAYED: &str = "idempotency-replayed";
pub(crate) const STORED: &str = "idempotency-stored";
pub(crate) const PROBLEM: &str = "idempotency-problem";

/// The header with the key of a request, unless a handler or a [`Middleware`](crate::Middleware) names
/// another one (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// `true` on a replay: the stored response of an earlier request.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static(REPLAYED);

/// `false` on a response that a retry will not get, because it is not stored, or not completely.
pub const IDEMPOTENCY_STORED: HeaderName = HeaderName::from_static(STORED);

/// The last segment of a problem's type. It is on every problem, even if the app renders it.
///
/// Scripts of another origin can read this header, and the two above, only if the app exposes them
/// (`Access-Control-Expose-Headers`).
pub const IDEMPOTENCY_PROBLEM: HeaderName = HeaderName::from_static(PROBLEM);
