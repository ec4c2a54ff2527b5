//! The parameter of every guarded handler, which actix alone can give.

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// A request that came by a route. Where a handler is called directly, the compiler names this type.
///
/// In unit tests its other form may be called: of `create` it is `create_unguarded`.
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

/// Says that a handler was called directly, where a guard is neither asked nor told.
pub fn called_directly(operation: &str) {
    tracing::warn!(operation, "a guarded handler was called directly, and runs unguarded");
}
