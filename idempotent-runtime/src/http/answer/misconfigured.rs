//! Answers where the app is built wrongly: client and log are told why.

use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem, ProblemKind};
use actix_web::{HttpRequest, HttpResponse};

/// The app lacks something that the handler needs, or has two of what there may be one of.
pub(crate) fn misconfigured(request: &HttpRequest, why: &str) -> Problem {
    tracing::error!(path = request.path(), "{why}");
    Problem::new(ProblemKind::Misconfigured, request.path(), why)
}

/// The mistake of an app whose handlers find no `Idempotency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprepared {
    /// It was given none, or gave it to another scope.
    Missing,
    /// It was given one inside of a `web::Data`.
    BehindData,
}

/// A guarded handler must not run in an app that was not given `Idempotency`.
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
