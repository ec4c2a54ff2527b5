//! The mark of our own refusals: no guard stores them, wherever that guard stands.
//!
//! The mark is on the response and on the request, since a middleware between two guards may replace the response.

use crate::http::answer::problem::ProblemKind;
use crate::http::answer::stored_response::StoreResponse;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use std::cell::Cell;

/// The mark of a response.
struct RefusedByUs(ProblemKind);

/// The place of the mark in a request's extensions. It is filled in through a shared borrow, since the app
/// may hold one of the extensions, too.
#[derive(Default)]
struct RefusalMark(Cell<bool>);

/// Gives a request a place for the mark, unless an outer guard has done so.
pub(crate) fn make_markable(request: &HttpRequest) {
    let mut extensions = request.extensions_mut();
    if !extensions.contains::<RefusalMark>() {
        extensions.insert(RefusalMark::default());
    }
}

/// Marks a refusal of ours.
pub(crate) fn marked(
    request: &HttpRequest,
    kind: ProblemKind,
    mut response: HttpResponse,
) -> HttpResponse {
    if let Some(mark) = request.extensions().get::<RefusalMark>() {
        mark.0.set(true);
    }
    response.extensions_mut().insert(RefusedByUs(kind));
    response
}

/// Whether a response is a refusal of ours, by the mark on itself.
pub(crate) fn is_marked<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().contains::<RefusedByUs>()
}

/// The kind of problem of our own refusal, read from the mark of the response.
pub(crate) fn refused_for(response: &HttpResponse) -> Option<ProblemKind> {
    response.extensions().get::<RefusedByUs>().map(|RefusedByUs(kind)| *kind)
}

/// Keeps a refusal of ours from being stored.
pub(crate) fn never_stored(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    if is_own(request, &response) {
        response.extensions_mut().insert(StoreResponse::No);
    }
    response
}

/// Whether a response is a refusal of ours, or was made from one.
///
/// A handler may go on after a refusal, for instance of an extractor that it takes as an `Option`. If it then
/// succeeds, the response is its own.
fn is_own(request: &HttpRequest, response: &HttpResponse) -> bool {
    if is_marked(response) {
        return true;
    }
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    is_error && request.extensions().get::<RefusalMark>().is_some_and(|mark| mark.0.get())
}
