//! The course of a request, from its claim to its end, for whoever watches.

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
    /// It has no key and needs none; or nothing is known yet.
    #[default]
    Unkeyed,
    /// Its handler ran, whatever it answered.
    Ran,
    /// Its handler ran without a guard, because the store did not answer.
    Unguarded,
    /// It was computed, and its answer is not kept.
    NotKept,
    /// It got a stored answer.
    Replayed,
    /// Its row says that it was done before.
    AlreadyDone,
    /// It is a task now.
    Accepted,
    /// A guard inside took it over.
    TakenOver,
    /// Its handler panicked.
    Panicked,
    /// An extractor, or the app's rule for scopes, refused it.
    Rejected,
    /// Its client left before anything ran.
    Left,
    /// It got a problem of ours.
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
    /// The span above the request's work and its handler's own spans; none, if nobody listens.
    span: OnceCell<Span>,
}

impl RequestCourse {
    /// A request begins, with the numbers of its operation.
    pub(crate) fn begins(&self, meters: OperationMeters, span: Option<Span>) {
        self.meters.replace(Some(meters));
        if let Some(span) = span {
            self.span.get_or_init(|| span);
        }
    }

    /// Its span; none, if nobody listens.
    pub(crate) fn span(&self) -> Span {
        self.span.get().cloned().unwrap_or_else(Span::none)
    }

    /// Enters its span, while its work is polled.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        self.span.get().map(Span::enter)
    }

    /// Its key is known.
    pub(crate) fn has_key(&self, key: &StorageKey) {
        self.key.set(RunKey::of(key));
        if let Some(span) = self.span.get() {
            span.record("idempotency.key", display(key.short()));
        }
    }

    /// It is known what becomes of it, unless more comes.
    pub(crate) fn note(&self, outcome: RequestOutcome) {
        self.outcome.set(outcome);
    }

    /// Its handler runs from now on.
    pub(crate) fn runs(&self, how: RequestOutcome, attempt: u64) {
        self.note(how);
        if let Some(span) = self.span.get() {
            span.record("idempotency.attempt", attempt);
        }
        if let Some(meters) = &*self.meters.borrow() {
            self.run.replace(Some(meters.starts(self.key.get(), attempt)));
        }
    }

    /// Its admission is decided, which it asked for at this moment.
    pub(crate) fn admitted(&self, asked: Stopwatch) {
        if let Some(meters) = &*self.meters.borrow() {
            meters.admitted(asked);
        }
    }

    /// It is nobody's request, and not counted.
    pub(crate) fn is_nobodys(&self) {
        self.meters.take();
        self.run.take();
    }

    /// It ended with this response, or without one, refused by what is not ours.
    pub(crate) fn ends(&self, response: Option<&HttpResponse>) {
        let outcome = match (self.outcome.get(), response) {
            (noted @ (RequestOutcome::TakenOver | RequestOutcome::Panicked), _) => noted,
            (_, None) => RequestOutcome::Rejected,
            (noted, Some(response)) => refused_for(response).map_or(noted, RequestOutcome::Refused),
        };
        self.counts(outcome);
    }

    /// It is dropped before its end, with its client.
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
