//! The parameter of every guarded handler, which only actix can make.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// A request that came by a route. If code calls a guarded handler directly, the compiler's error names this type.
///
/// Unit tests may call the handler's unguarded form: for `create` it is `create_unguarded`.
pub struct TestsCallItsUnguardedForm {
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
}

impl FromRequest for TestsCallItsUnguardedForm {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

/// Logs that a handler was called directly, so that no guard was asked.
pub fn called_directly(operation: &str) {
    tracing::warn!(operation, "a guarded handler was called directly, and runs unguarded");
}
