//! Problems as the app renders them, where nothing but the request names the app.

use crate::http::answer::misconfigured;
use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem};
use crate::http::app::idempotency::Idempotency;
use actix_web::error::InternalError;
use actix_web::{Error, HttpRequest, HttpResponse};

/// Our extractors work only in guarded handlers.
pub(crate) fn unguarded(request: &HttpRequest, extractor: &str) -> Error {
    misconfigured(request, &format!("the handler takes `{extractor}` and is not guarded"))
}

/// The app lacks something that the handler takes.
pub(crate) fn misconfigured(request: &HttpRequest, why: &str) -> Error {
    refused(request, &misconfigured::misconfigured(request, why))
}

/// A problem as the error of an extractor.
pub(crate) fn refused(request: &HttpRequest, problem: &Problem) -> Error {
    InternalError::from_response(problem.detail.clone(), rendered(request, problem)).into()
}

/// A problem by the words of the app that the request came to, if it was given any.
pub(crate) fn rendered(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    match request.app_data::<Idempotency>() {
        Some(app) => app.render(request, problem),
        None => negotiated(request, problem, PROBLEM_TYPES),
    }
}
