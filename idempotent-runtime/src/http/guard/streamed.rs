//! Bodies that are sent while they are produced. The run ends before the end of the body is sent.
//!
//! So a client that has received a complete response can retry at once. A task of its own reads the body at
//! the producer's pace. Without the client it goes on for no longer than the lease.

use crate::engine::Execution;
use crate::http::answer::keep::{CopyEnd, UnreadBody};
use crate::http::app::idempotency::Idempotency;
use crate::http::call::run::RunState;
use crate::key::KeyParts;
use crate::outcome::Outcome;
use crate::policy::{OnAbandoned, Policy};
use actix_web::HttpResponse;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{Instrument, Span};

/// The app, the scope and the span of a run. The run counts in that scope once its client has left.
pub(super) struct RunPlace {
    pub(super) app: Idempotency,
    scope: KeyParts,
    span: Span,
}

impl RunPlace {
    pub(super) fn of(app: &Idempotency, state: &RunState) -> Self {
        let scope = state.scope.borrow().clone();
        Self { app: app.clone(), scope, span: state.course.span() }
    }
}

/// The response with its body as it is produced. `end` is called when the body was copied, before its end is sent.
pub(super) fn send_on<E: Future<Output = ()>>(
    body: UnreadBody,
    place: RunPlace,
    lease: Duration,
    end: impl FnOnce(CopyEnd) -> E + 'static,
) -> HttpResponse {
    let (response, mut copying) = body.sent_on();
    let span = place.span.clone();
    let copied_to_its_end = async move {
        let left = copying.client_left();
        let without_client = pin!(async move {
            left.await;
            let _counted = place.app.clientless().enter(place.scope);
            sleep(lease).await;
        });
        let copied = match select(pin!(copying.copy_all()), without_client).await {
            Either::Left((copied, _)) => copied,
            Either::Right(_) => CopyEnd::Cut,
        };
        end(copied).await;
        copying.let_go();
    };
    actix_web::rt::spawn(copied_to_its_end.instrument(span));
    response
}

/// A run whose response is being sent. If this is dropped, the fact that the run happened is stored, since
/// its handler has returned.
pub(super) struct StreamedRun {
    run: Option<Execution>,
    on_abandoned: OnAbandoned,
    ttl: Duration,
}

impl StreamedRun {
    pub(super) fn new(run: Execution, policy: &Policy, ttl: Duration) -> Self {
        Self { run: Some(run), on_abandoned: policy.on_abandoned, ttl }
    }

    /// Stores the copy, or the fact that the handler ran.
    pub(super) async fn end(mut self, copied: CopyEnd) {
        let Some(run) = self.run.take() else { return };
        match (copied, self.on_abandoned) {
            (CopyEnd::Whole(copy), _) => {
                run.complete(Outcome::Response(copy), self.ttl).await;
            }
            (CopyEnd::Broken, OnAbandoned::Hold) => run.abandon().await,
            (CopyEnd::Broken, OnAbandoned::Retry) | (CopyEnd::Cut, _) => {
                run.complete(Outcome::Tombstone, self.ttl).await;
            }
        }
    }
}

impl Drop for StreamedRun {
    fn drop(&mut self) {
        // The heartbeat's thread stores an end that nobody awaits.
        match (self.run.take(), self.on_abandoned) {
            (None, _) => {}
            (Some(run), OnAbandoned::Hold) => drop(run.abandon()),
            (Some(run), OnAbandoned::Retry) => drop(run.complete(Outcome::Tombstone, self.ttl)),
        }
    }
}
