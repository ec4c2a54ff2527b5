//! Problem details (RFC 9457), one type for each situation.

use crate::http::header_names::IDEMPOTENCY_PROBLEM;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

/// The beginning of problem types, unless the app sets another.
pub(crate) const PROBLEM_TYPES: &str = "urn:idempotent-runtime:problem/";

/// The situations that a client can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The request has no key or token, and needs one.
    KeyMissing,
    /// The key or token cannot be read: malformed, too long, or several.
    KeyInvalid,
    /// The request does not name its caller, who is its scope.
    ScopeMissing,
    /// The host is missing, cannot be read or comes twice, and the app keeps hosts apart.
    HostInvalid,
    /// The key was used for another request.
    KeyReused,
    /// The first request with this key still runs.
    InProgress,
    /// The request must name one version of the row, and names none or several.
    VersionMissing,
    /// The version in the request cannot be read.
    VersionInvalid,
    /// The row has another version by now.
    VersionMismatch,
    /// The row's current state does not allow this transition.
    IllegalTransition,
    /// The row does not exist, or belongs to another caller.
    RowMissing,
    /// Another request holds the lock.
    Locked,
    /// A request with this key has already run.
    Duplicate,
    /// The token is not valid here, or not any more.
    TokenInvalid,
    /// The process that ran the request died.
    OutcomeUnknown,
    /// The request ran, and its response is not kept.
    NotReplayable,
    /// The request's timestamp is outside the window.
    StaleRequest,
    /// The request was sent for the first time so long ago that its record may be forgotten.
    RetryTooLate,
    /// The body is larger than the app buffers.
    BodyTooLarge,
    /// The store did not answer, or its record cannot be read.
    StoreUnavailable,
    /// The business database refuses the request's transaction, and would refuse a retry, too.
    DatabaseRefused,
    /// The caller has no task with this id.
    TaskMissing,
    /// The task runs or ran, so it cannot be cancelled any more.
    TaskStarted,
    /// The task was cancelled, so it has no result.
    TaskCancelled,
    /// Too many runs go on without their clients, so no other run begins.
    TooManyRuns,
    /// Too many tasks are unfinished, so no other one is accepted.
    TooManyTasks,
    /// The process drains, and takes no new requests.
    ShuttingDown,
    /// The handler panicked.
    HandlerPanicked,
    /// The app lacks a part that the handler's guard needs.
    Misconfigured,
}

impl ProblemKind {
    /// The last segment of the problem's type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// A short sentence, the same for every occurrence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether the same request with the same key may succeed later.
    pub(crate) const fn retryable(self) -> bool {
        matches!(
            self,
            Self::InProgress
                | Self::Locked
                | Self::StoreUnavailable
                | Self::ShuttingDown
                | Self::TooManyRuns
                | Self::TooManyTasks
        )
    }

    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::KeyMissing => ("key-missing", S::BAD_REQUEST, "An idempotency key is required"),
            Self::KeyInvalid => {
                ("key-invalid", S::BAD_REQUEST, "The idempotency key cannot be read")
            }
            Self::ScopeMissing => {
                ("scope-missing", S::BAD_REQUEST, "The request does not say who calls")
            }
            Self::HostInvalid => {
                ("host-invalid", S::BAD_REQUEST, "The host of the request cannot be read")
            }
            Self::KeyReused => {
                ("key-reused", S::UNPROCESSABLE_ENTITY, "The key belongs to another request")
            }
            Self::InProgress => ("in-progress", S::CONFLICT, "The same request is still running"),
            Self::VersionInvalid => {
                ("version-invalid", S::BAD_REQUEST, "The version of the request cannot be read")
            }
            Self::VersionMissing => {
                ("version-missing", S::PRECONDITION_REQUIRED, "The request must name a version")
            }
            Self::VersionMismatch => {
                ("version-mismatch", S::PRECONDITION_FAILED, "The version has changed")
            }
            Self::IllegalTransition => {
                ("illegal-transition", S::CONFLICT, "The current state does not allow this")
            }
            Self::RowMissing => {
                ("row-missing", S::NOT_FOUND, "There is no such thing for this caller")
            }
            Self::Locked => ("locked", S::LOCKED, "Another request holds the lock"),
            Self::Duplicate => ("duplicate", S::CONFLICT, "The request was already processed"),
            Self::TokenInvalid => {
                ("token-invalid", S::PRECONDITION_FAILED, "The token is not valid")
            }
            Self::OutcomeUnknown => {
                ("outcome-unknown", S::CONFLICT, "The outcome of the request is unknown")
            }
            Self::NotReplayable => (
                "not-replayable",
                S::CONFLICT,
                "The request ran, and its response is not available",
            ),
            Self::StaleRequest => {
                ("stale-request", S::BAD_REQUEST, "The request is outside its time window")
            }
            Self::RetryTooLate => (
                "retry-too-late",
                S::PRECONDITION_FAILED,
                "The request was first sent too long ago",
            ),
            Self::BodyTooLarge => {
                ("body-too-large", S::PAYLOAD_TOO_LARGE, "The request body is too large")
            }
            Self::StoreUnavailable => (
                "store-unavailable",
                S::SERVICE_UNAVAILABLE,
                "The idempotency store is unavailable",
            ),
            Self::DatabaseRefused => {
                ("database-refused", S::INTERNAL_SERVER_ERROR, "The database refuses the request")
            }
            Self::TaskMissing => ("task-missing", S::NOT_FOUND, "There is no such task"),
            Self::TaskStarted => {
                ("task-started", S::CONFLICT, "The task is already running or over")
            }
            Self::TaskCancelled => ("task-cancelled", S::GONE, "The task was cancelled"),
            Self::TooManyRuns => (
                "too-many-runs",
                S::SERVICE_UNAVAILABLE,
                "Too many requests run without their clients",
            ),
            Self::TooManyTasks => {
                ("too-many-tasks", S::SERVICE_UNAVAILABLE, "Too many tasks are not finished")
            }
            Self::ShuttingDown => {
                ("shutting-down", S::SERVICE_UNAVAILABLE, "The server is shutting down")
            }
            Self::HandlerPanicked => (
                "handler-panicked",
                S::INTERNAL_SERVER_ERROR,
                "The server failed during this request",
            ),
            Self::Misconfigured => (
                "misconfigured",
                S::INTERNAL_SERVER_ERROR,
                "The server is not set up for this request",
            ),
        }
    }
}

/// One occurrence of a problem, before it is sent as a response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The situation.
    pub kind: ProblemKind,
    /// One or two sentences: what happened this time, and what the client can do about it.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// The number of seconds after which to try again, if that is known.
    pub retry_after: Option<u64>,
    /// Whether the same request with the same key may succeed later.
    pub retryable: bool,
    /// The beginning of its type, as the app that renders it sets it.
    pub(super) types: Cow<'static, str>,
}

/// The members of RFC 9457, section 3.1, and our own member `retryable`.
#[derive(Serialize)]
struct Members<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    retryable: bool,
}

impl Problem {
    /// A problem of this kind on this path.
    pub(crate) fn new(kind: ProblemKind, instance: &str, detail: impl Into<String>) -> Self {
        let (detail, instance) = (detail.into(), instance.to_owned());
        let (retryable, types) = (kind.retryable(), Cow::Borrowed(PROBLEM_TYPES));
        Self { kind, detail, instance, retry_after: None, retryable, types }
    }

    /// The problem with the beginning of its type that the app sets.
    pub(crate) fn of_types(mut self, types: Cow<'static, str>) -> Self {
        self.types = types;
        self
    }

    /// The problem with this time after which to try again, rounded up to whole seconds.
    pub(crate) fn retry_after(mut self, after: Duration) -> Self {
        let whole = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.retry_after = Some(whole.max(1));
        self
    }

    /// The problem with this answer to whether the same request with the same key may succeed later.
    pub(crate) fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// Marks the response that was rendered from this problem, so that a client recognises it.
    pub(crate) fn mark(&self, mut response: HttpResponse) -> HttpResponse {
        let name = HeaderValue::from_static(self.kind.name());
        response.headers_mut().insert(IDEMPOTENCY_PROBLEM, name);
        response
    }

    /// The response as `application/problem+json`. The problem's type begins with `types`.
    #[must_use]
    pub fn response(&self, types: &str) -> HttpResponse {
        let members = Members {
            r#type: format!("{types}{}", self.kind.name()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            instance: &self.instance,
            retryable: self.retryable,
        };
        let mut response = HttpResponse::build(self.kind.status());
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        // Strings, a number and a boolean always serialize.
        let body = serde_json::to_vec(&members).unwrap_or_default();
        self.mark(response.insert_header((CONTENT_TYPE, "application/problem+json")).body(body))
    }
}
