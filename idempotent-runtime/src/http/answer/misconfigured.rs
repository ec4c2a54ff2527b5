//! Answers of an app that is built wrongly: the client and the log are told why.

use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem, ProblemKind};
use actix_web::{HttpRequest, HttpResponse};

/// The app lacks a part that the handler needs, or has two where only one may be.
pub(crate) fn misconfigured(request: &HttpRequest, why: &str) -> Problem {
    tracing::error!(path = request.path(), "{why}");
    Problem::new(ProblemKind::Misconfigured, request.path(), why)
}

/// The mistake of an app whose handlers find no `Idempotency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprepared {
    /// The app was given none, or it was given to another scope of actix-web.
    Missing,
    /// The app was given one inside a `web::Data`.
    BehindData,
}

/// The answer of a guarded handler in an app without `Idempotency`. The handler must not run.
pub(crate) fn unprepared(request: &HttpRequest, mistake: Unprepared) -> HttpResponse {
    let why = match mistake {
        Unprepared::Missing => {
            "the request did not run: its handler is guarded, and the service's app has no `Idempotency`; add \
             `.app_data(idempotency.clone())` to the `App`"
        }
        Unprepared::BehindData => {
            "the request did not run: its handler is guarded, and the `Idempotency` of the service's app is \
             inside of a `web::Data`, where it is not found; write `.app_data(idempotency.clone())`, without \
             `web::Data`"
        }
    };
    negotiated(request, &misconfigured(request, why), PROBLEM_TYPES)
}
