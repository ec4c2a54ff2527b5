//! Bodies that are sent on as they come: the run ends before the last of one is sent.
//!
//! So a client that has all of a response can retry at once. A task of its own reads, at the producer's pace,
//! and goes on without the client for no longer than the lease.

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

/// The app and the scope of a run, in which it counts once its client has left, and its span.
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

/// The response with its body as it comes; `end` is called when it was copied, before the last of it is sent.
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

/// A run whose response is on its way. Dropped, it leaves behind that it ran: its handler has returned.
pub(super) struct StreamedRun {
    run: Option<Execution>,
    on_abandoned: OnAbandoned,
    ttl: Duration,
}

impl StreamedRun {
    pub(super) fn new(run: Execution, policy: &Policy, ttl: Duration) -> Self {
        Self { run: Some(run), on_abandoned: policy.on_abandoned, ttl }
    }

    /// Stores the copy, or the fact that it ran.
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
        // Not awaited, the end is stored by the heartbeat's thread.
        match (self.run.take(), self.on_abandoned) {
            (None, _) => {}
            (Some(run), OnAbandoned::Hold) => drop(run.abandon()),
            (Some(run), OnAbandoned::Retry) => drop(run.complete(Outcome::Tombstone, self.ttl)),
        }
    }
}
