//! Problems for the refusals of the engine and the failures of the store.

use crate::engine::Refusal;
use crate::error::{StoreError, StoreErrorKind};
use crate::http::answer::misconfigured::misconfigured;
use crate::http::answer::problem::{Problem, ProblemKind};
use crate::policy::{Busy, Policy};
use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use std::error::Error as StdError;
use std::time::Duration;

/// The longest wait that a duplicate of a request in flight is told. The lease tells only when others may
/// run, and most handlers end long before that.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait in seconds that a client is told if the store did not answer or the server restarts.
const SOON: u64 = 3;

/// A random wait of a few whole seconds, so that clients that were refused together do not all come back together.
fn soon() -> Duration {
    Duration::from_secs(rand::random_range(1..=SOON))
}

/// The problem that a refusal is.
pub(crate) fn problem(request: &HttpRequest, policy: &Policy, refusal: Refusal) -> Problem {
    let (kind, detail) = match refusal {
        Refusal::KeyReused => (
            ProblemKind::KeyReused,
            "this key belongs to an earlier request, and this request differs from it, so this one did not \
             run. To repeat the earlier request, send exactly what it had; for a new request, take a new key. \
             If the sender cannot repeat a request byte for byte, the developer of this service says what counts: \
             `fingerprint = \"none\"` or a template",
        ),
        Refusal::OtherDefinition => {
            let why = "another handler stored the record of this key; give each of the two handlers \
                       its own `operation`";
            return misconfigured(request, why);
        }
        Refusal::InProgress { .. } if policy.strategy.traits().busy == Busy::Locked => (
            ProblemKind::Locked,
            "another request holds the lock that this one needs, so this one did not run; repeat it \
             later",
        ),
        Refusal::InProgress { .. } => (
            ProblemKind::InProgress,
            "a request with this key is still running, and this one did not run; repeat it later with \
             the same key",
        ),
        Refusal::Duplicate => {
            (ProblemKind::Duplicate, "this request was already processed, and is not run again")
        }
        Refusal::TokenInvalid => (
            ProblemKind::TokenInvalid,
            "the token is unknown, expired, or issued for something else, so nothing ran; fetch a new \
             one",
        ),
        Refusal::OutcomeUnknown => (
            ProblemKind::OutcomeUnknown,
            "this request began and did not end, so it may have taken effect; it does not run again \
             until the service's operators have looked",
        ),
        Refusal::NotReplayable => (
            ProblemKind::NotReplayable,
            "this request ran, and its response was not kept; it does not run again. Look at its result instead",
        ),
        Refusal::Draining => (
            ProblemKind::ShuttingDown,
            "the server is shutting down, and the request did not run; repeat it",
        ),
    };
    let detail = match (refusal, policy.message) {
        (Refusal::Duplicate | Refusal::InProgress { .. }, Some(message)) => message,
        _ => detail,
    };
    let problem = Problem::new(kind, request.path(), detail);
    match refusal {
        Refusal::InProgress { retry_after } => problem.retry_after(retry_after.min(LONGEST_WAIT)),
        Refusal::Draining => problem.retry_after(soon()),
        _ => problem,
    }
}

/// A strong entity tag that names this version.
pub(crate) fn entity_tag(version: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

/// The way to find out whether a transaction took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoundOutBy {
    /// Repeat the same request: the commit would have stored a record under its key, too.
    Repeating,
    /// Look at the data that the request changes. A repetition would change it once more.
    Looking,
}

/// The problem if the business database did not open a transaction. Nothing runs.
pub(crate) fn not_begun(request: &HttpRequest, error: &StoreError) -> Problem {
    if error.is_transient() || error.is_corrupt() {
        return store_failed(request, error);
    }
    database_refused(request, error)
}

/// The problem if the business database refuses for good. It has rolled everything back.
fn database_refused(request: &HttpRequest, error: &StoreError) -> Problem {
    tracing::error!(
        path = request.path(),
        error = error as &dyn StdError,
        "the business database refuses a request for good; nothing of it was kept, and a retry would \
         be refused, too",
    );
    Problem::new(
        ProblemKind::DatabaseRefused,
        request.path(),
        "the business database refuses this request; nothing of it was kept, and it would be refused again",
    )
}

/// The problem if the database did not confirm the commit.
pub(crate) fn not_committed(
    request: &HttpRequest,
    error: &StoreError,
    found_out: FoundOutBy,
) -> Problem {
    if !error.is_transient() && !error.is_corrupt() {
        return database_refused(request, error);
    }
    if error.kind() == StoreErrorKind::Aborted && found_out == FoundOutBy::Repeating {
        return ended_early(request, error);
    }
    tracing::error!(
        path = request.path(),
        error = error as &dyn StdError,
        "the database did not confirm a commit; nobody knows yet whether it took effect",
    );
    let problem = |what| Problem::new(ProblemKind::StoreUnavailable, request.path(), what);
    match found_out {
        FoundOutBy::Repeating => problem(
            "the database did not confirm the commit, so it is not known whether the request \
                 took effect; repeat it with the same key to find out",
        )
        .retry_after(soon()),
        FoundOutBy::Looking => problem(
            "the database did not confirm the commit, and the request has no key, so a repetition \
             would run, too; look whether it took effect before you send it again",
        )
        .retryable(false),
    }
}

/// The problem if the database ended a transaction with a record before its commit.
fn ended_early(request: &HttpRequest, error: &StoreError) -> Problem {
    tracing::error!(
        path = request.path(),
        error = error as &dyn StdError,
        "the database ended a transaction before its commit, although the handler returned success; \
         a repeated request runs again",
    );
    let what = "the database ended the transaction before its commit, so the request did not succeed; \
                repeat it with the same key";
    Problem::new(ProblemKind::StoreUnavailable, request.path(), what).retry_after(soon())
}

/// Logs that the store failed, and that the handler runs all the same, as its policy says.
pub(crate) fn runs_unguarded(request: &HttpRequest, error: &StoreError) {
    tracing::warn!(
        path = request.path(),
        error = error as &dyn StdError,
        "the store failed, so a request runs unguarded, as `on_store_error = \"run\"` says",
    );
}

/// The problem if too many runs go on without their clients. Nothing begins.
pub(crate) fn too_many_runs(request: &HttpRequest) -> Problem {
    let what = "too many requests whose clients left are still running, so this one did not run; \
                repeat it with the same key";
    tracing::warn!(path = request.path(), "{what}");
    Problem::new(ProblemKind::TooManyRuns, request.path(), what).retry_after(soon())
}

/// The problem if the store failed. Nothing runs.
pub(crate) fn store_failed(request: &HttpRequest, error: &StoreError) -> Problem {
    tracing::error!(
        path = request.path(),
        error = error as &dyn StdError,
        "the store failed, so a request was refused; its handler did not run",
    );
    if error.is_corrupt() {
        // Another process may have the sealing key, and this process may get it later.
        let may_pass = error.kind() == StoreErrorKind::Unopened;
        return unreadable(request).retryable(may_pass);
    }
    Problem::new(
        ProblemKind::StoreUnavailable,
        request.path(),
        "the store of idempotency records does not answer, so the request did not run; repeat it \
         with the same key",
    )
    .retry_after(soon())
}

/// The problem if the value under the key is not a response. Nothing runs.
pub(crate) fn unreadable(request: &HttpRequest) -> Problem {
    Problem::new(
        ProblemKind::StoreUnavailable,
        request.path(),
        "the idempotency record of this key cannot be read, so the request did not run; the service's operators \
         have to look at the record",
    )
    .retryable(false)
    .retry_after(soon())
}
