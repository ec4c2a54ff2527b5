//! Keys for calls to other systems, derived from the record of the request that makes the calls.

use crate::http::app::refused::unguarded;
use crate::http::call::run::RunState;
use crate::key::{StorageKey, hashed};
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

/// Makes the keys that a handler sends to other systems: a parameter of a guarded handler.
///
/// A handler that is killed after it charged a card, and before its record is stored, runs again. It sends
/// the same key for the same step, so the other system recognises the repetition.
///
/// ```
/// use actix_web::{HttpResponse, Responder, post};
/// use idempotent_runtime::extract::DownstreamKey;
/// use idempotent_runtime::idempotent;
///
/// #[post("/payments")]
/// #[idempotent]
/// async fn pay(downstream: DownstreamKey) -> impl Responder {
///     let key = downstream.key("stripe", "charge");
///     // … send it as the Idempotency-Key of the charge.
///     HttpResponse::Created().body(key)
/// }
/// ```
#[derive(Clone)]
pub struct DownstreamKey(Rc<RunState>);

impl DownstreamKey {
    /// The key for one step at one service: 43 letters, digits, `-` and `_`.
    ///
    /// It is the same for every run of the same request, and differs for each request, step and service. If
    /// no key tells requests apart (a lock, a row without `key`, an optional key that was not sent), it is
    /// random: each such request is a new one.
    #[must_use]
    pub fn key(&self, service: &str, step: &str) -> String {
        let record = self.0.outwards().find_map(|state| state.record.get());
        let record = record.unwrap_or_else(|| StorageKey::from_bytes(rand::random()));
        let parts = [record.as_bytes(), service.as_bytes(), step.as_bytes()];
        BASE64_URL_SAFE_NO_PAD.encode(hashed(b"downstream", parts))
    }
}

impl fmt::Debug for DownstreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownstreamKey(…)")
    }
}

impl FromRequest for DownstreamKey {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.extensions().get::<Rc<RunState>>().cloned();
        ready(state.map(Self).ok_or_else(|| unguarded(request, "DownstreamKey")))
    }
}
