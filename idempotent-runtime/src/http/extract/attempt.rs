//! The fence, for handlers that pass it on.

use crate::http::app::refused::unguarded;
use crate::http::call::run::{GuardedRun, RunState};
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

/// The attempt of this run, a number that grows with each run of its key: a parameter of a guarded handler.
///
/// A resource that stores the greatest attempt it has seen can refuse a run that was asleep while its lease
/// expired: `UPDATE … SET fence = ? WHERE id = ? AND fence < ?`. (M. Kleppmann, How to do distributed
/// locking, 2016.)
///
/// ```
/// use actix_web::{Responder, post};
/// use idempotent_runtime::extract::Attempt;
/// use idempotent_runtime::idempotent;
///
/// #[post("/accounts/{id}/close")]
/// #[idempotent(strategy = "lock", key = "account:{path.id}")]
/// async fn close(attempt: Attempt) -> impl Responder {
///     format!("closed by holder {}", attempt.number())
/// }
/// ```
#[derive(Clone)]
pub struct Attempt(Rc<RunState>);

impl Attempt {
    /// The number of the attempt. It begins with 1 for a key, and for a lock with the milliseconds since 1970
    /// at its first use.
    ///
    /// It is 0 if no key was claimed: before the handler runs, and without a key that is optional.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.outwards().map(|state| state.attempt.get()).find(|number| *number > 0).unwrap_or(0)
    }

    /// Whether it is certain that no other run of this key has begun by now.
    ///
    /// It is not certain any more if the lease is lost or was not renewed in time, for instance because the
    /// host was suspended, or if the session of a lock is broken. A long handler can ask before its next
    /// step. A step that must never happen late has to send the number along, and be checked where it happens.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        let is_certain = |state: &RunState| {
            Some(match state.run.borrow().as_ref()? {
                GuardedRun::Leased(run) => run.is_certain(),
                // Only its commit decides.
                GuardedRun::Transaction(_) => true,
                GuardedRun::Computing(_) => false,
            })
        };
        self.0.outwards().find_map(is_certain).unwrap_or(false)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({})", self.number())
    }
}

impl FromRequest for Attempt {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.extensions().get::<Rc<RunState>>().cloned();
        ready(state.map(Self).ok_or_else(|| unguarded(request, "Attempt")))
    }
}
