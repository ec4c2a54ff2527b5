//! Problems as the app renders them, if only the request leads to the app.

use crate::http::answer::misconfigured;
use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem};
use crate::http::app::idempotency::Idempotency;
use actix_web::error::InternalError;
use actix_web::{Error, HttpRequest, HttpResponse};

/// The error of one of our extractors in a handler that is not guarded.
pub(crate) fn unguarded(request: &HttpRequest, extractor: &str) -> Error {
    misconfigured(request, &format!("the handler takes `{extractor}` and is not guarded"))
}

/// The error if the app lacks a part that the handler needs.
pub(crate) fn misconfigured(request: &HttpRequest, why: &str) -> Error {
    refused(request, &misconfigured::misconfigured(request, why))
}

/// A problem as the error of an extractor.
pub(crate) fn refused(request: &HttpRequest, problem: &Problem) -> Error {
    InternalError::from_response(problem.detail.clone(), rendered(request, problem)).into()
}

/// A problem, rendered by the app that got the request; by default if the app has no `Idempotency`.
pub(crate) fn rendered(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    match request.app_data::<Idempotency>() {
        Some(app) => app.render(request, problem),
        None => negotiated(request, problem, PROBLEM_TYPES),
    }
}
