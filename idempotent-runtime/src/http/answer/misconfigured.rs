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
    let path = request.path();
    match mistake {
        Unprepared::Missing => tracing::error!(
            path,
            "a guarded handler was called in an app without `Idempotency`; \
             add `.app_data(idempotency.clone())` to the `App`",
        ),
        Unprepared::BehindData => tracing::error!(
            path,
            "a guarded handler was called in an app whose `Idempotency` is inside of a `web::Data`, where it \
             is not looked for; write `.app_data(idempotency.clone())`, without `web::Data`",
        ),
    }
    let what = "the handler is guarded, and its app was not given what guards it";
    let problem = Problem::new(ProblemKind::Misconfigured, request.path(), what);
    negotiated(request, &problem, PROBLEM_TYPES)
}
