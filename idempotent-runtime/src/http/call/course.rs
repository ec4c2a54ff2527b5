//! The course of a request from its claim to its end, for traces and metrics.

use crate::http::answer::own_refusal::refused_for;
use crate::http::answer::problem::ProblemKind;
use crate::key::StorageKey;
use crate::observe::{OperationMeters, RunKey, RunMeter, Stopwatch};
use actix_web::HttpResponse;
use std::cell::{Cell, OnceCell, RefCell};
use tracing::Span;
use tracing::field::display;
use tracing::span::Entered;

/// The outcome of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    /// The request has no key and needs none; or nothing is known yet.
    #[default]
    Unkeyed,
    /// The handler ran, with success or not.
    Ran,
    /// The handler ran without a guard, because the store did not answer.
    Unguarded,
    /// The handler computed the answer of a `cache`, which is not kept.
    NotKept,
    /// The client got a stored answer.
    Replayed,
    /// The row shows that the request was done before.
    AlreadyDone,
    /// The request is a task now.
    Accepted,
    /// An inner guard took the request over.
    TakenOver,
    /// The handler panicked.
    Panicked,
    /// An extractor, or the app's rule for scopes, refused the request.
    Rejected,
    /// The client left before anything ran.
    Left,
    /// The client got a problem of ours.
    Refused(ProblemKind),
}

impl RequestOutcome {
    /// Its name for machines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unkeyed => "unkeyed",
            Self::Ran => "ran",
            Self::Unguarded => "unguarded",
            Self::NotKept => "not-kept",
            Self::Replayed => "replayed",
            Self::AlreadyDone => "already-done",
            Self::Accepted => "accepted",
            Self::TakenOver => "taken-over",
            Self::Panicked => "handler-panicked",
            Self::Rejected => "rejected",
            Self::Left => "left",
            Self::Refused(kind) => kind.name(),
        }
    }
}

/// The course of a request: its span, and its numbers, which are counted once, when it ends.
#[derive(Debug, Default)]
pub(crate) struct RequestCourse {
    outcome: Cell<RequestOutcome>,
    meters: RefCell<Option<OperationMeters>>,
    key: Cell<RunKey>,
    run: RefCell<Option<RunMeter>>,
    /// The span around the request's work and its handler's own spans; none, if nothing listens.
    span: OnceCell<Span>,
}

impl RequestCourse {
    /// Begins the course, with the numbers of the request's operation.
    pub(crate) fn begins(&self, meters: OperationMeters, span: Option<Span>) {
        self.meters.replace(Some(meters));
        if let Some(span) = span {
            self.span.get_or_init(|| span);
        }
    }

    /// The span of the request; none, if nothing listens.
    pub(crate) fn span(&self) -> Span {
        self.span.get().cloned().unwrap_or_else(Span::none)
    }

    /// Enters the span, while the request's work is polled.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        self.span.get().map(Span::enter)
    }

    /// Notes the key of the request.
    pub(crate) fn has_key(&self, key: &StorageKey) {
        self.key.set(RunKey::of(key));
        if let Some(span) = self.span.get() {
            span.record("idempotency.key", display(key.short()));
        }
    }

    /// Notes the outcome as far as it is known now. A later one replaces it.
    pub(crate) fn note(&self, outcome: RequestOutcome) {
        self.outcome.set(outcome);
    }

    /// Notes that the handler runs from now on.
    pub(crate) fn runs(&self, how: RequestOutcome, attempt: u64) {
        self.note(how);
        if let Some(span) = self.span.get() {
            span.record("idempotency.attempt", attempt);
        }
        if let Some(meters) = &*self.meters.borrow() {
            self.run.replace(Some(meters.starts(self.key.get(), attempt)));
        }
    }

    /// Notes that the admission is decided, which began at this moment.
    pub(crate) fn admitted(&self, asked: Stopwatch) {
        if let Some(meters) = &*self.meters.borrow() {
            meters.admitted(asked);
        }
    }

    /// The request is not one of a client: it is not counted.
    pub(crate) fn is_nobodys(&self) {
        self.meters.take();
        self.run.take();
    }

    /// Ends the course with this response; without one if code that is not ours refused the request.
    pub(crate) fn ends(&self, response: Option<&HttpResponse>) {
        let outcome = match (self.outcome.get(), response) {
            (noted @ (RequestOutcome::TakenOver | RequestOutcome::Panicked), _) => noted,
            (_, None) => RequestOutcome::Rejected,
            (noted, Some(response)) => refused_for(response).map_or(noted, RequestOutcome::Refused),
        };
        self.counts(outcome);
    }

    /// Ends the course of a request that is dropped before its end, because its client left.
    pub(crate) fn leaves(&self) {
        self.counts(match self.outcome.get() {
            RequestOutcome::Unkeyed => RequestOutcome::Left,
            noted => noted,
        });
    }

    fn counts(&self, outcome: RequestOutcome) {
        self.note(outcome);
        if let Some(span) = self.span.get() {
            span.record("idempotency.outcome", outcome.name());
        }
        let Some(meters) = self.meters.take() else { return };
        meters.request(outcome.name());
        if let Some(run) = self.run.take() {
            meters.ran(&run);
        }
    }
}
