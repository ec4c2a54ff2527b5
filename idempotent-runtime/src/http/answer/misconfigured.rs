//! Answers where the app is built wrongly: the client gets 500, the log says what to do.

use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem, ProblemKind};
use actix_web::error::InternalError;
use actix_web::{Error, HttpRequest, HttpResponse};

/// Our extractors work only in guarded handlers.
pub(crate) fn unguarded(request: &HttpRequest, extractor: &str) -> Error {
    misconfigured(request, &format!("the handler takes `{extractor}` and is not guarded"))
}

/// The app lacks something that the handler takes.
pub(crate) fn misconfigured(request: &HttpRequest, why: &str) -> Error {
    tracing::error!(path = request.path(), "{why}");
    let problem = Problem::new(ProblemKind::Misconfigured, request.path(), why);
    let response = negotiated(request, &problem, PROBLEM_TYPES);
    InternalError::from_response(why.to_owned(), response).into()
}

/// A guarded handler must not run in an app that was not given `Idempotency`.
pub(crate) fn unprepared(request: &HttpRequest) -> HttpResponse {
    tracing::error!(
        path = request.path(),
        "a guarded handler was called in an app without `Idempotency`; \
         add `.app_data(idempotency.clone())` to the `App`",
    );
    let what = "the handler is guarded, and its app was not given what guards it";
    let problem = Problem::new(ProblemKind::Misconfigured, request.path(), what);
    negotiated(request, &problem, PROBLEM_TYPES)
}
