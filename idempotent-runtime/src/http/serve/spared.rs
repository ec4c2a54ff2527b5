//! Responses after which a middleware leaves the key free, since no handler made them.

use crate::http::answer::stored_response::StoreResponse;
use actix_web::body::MessageBody;
use actix_web::error::{
    ContentTypeError, InternalError, JsonPayloadError, ParseError, PathError, PayloadError,
    QueryPayloadError, ReadlinesError, UrlencodedError,
};
use actix_web::http::StatusCode;
use actix_web::http::header::ALLOW;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError};

/// Leaves the key free after a response that no handler made, unless the response itself says otherwise.
pub(crate) fn spare_unhandled(request: &HttpRequest, response: &mut HttpResponse) {
    if is_refused_by_extractor(response) || is_unrouted(request, response) {
        let mut extensions = response.extensions_mut();
        if !extensions.contains::<StoreResponse>() {
            extensions.insert(StoreResponse::No);
        }
    }
}

/// Whether no route matched the request, and the response says so.
///
/// actix does not tell which service answered. If no resource matched, a part of the path is left over. If a
/// resource matched but none of its routes, its 405 lists the allowed methods, or has no body.
fn is_unrouted(request: &HttpRequest, response: &HttpResponse) -> bool {
    let is_default = || !request.match_info().unprocessed().is_empty();
    match response.status() {
        StatusCode::NOT_FOUND => is_default() || request.match_pattern().is_none(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let is_bare = response.body().size().is_eof();
            is_default() || is_bare || response.headers().contains_key(ALLOW)
        }
        _ => false,
    }
}

/// Whether one of actix's own extractors refused the request, so that its handler did not run.
fn is_refused_by_extractor(response: &HttpResponse) -> bool {
    fn one<T: ResponseError + 'static>(error: &Error) -> bool
    where
        InternalError<T>: ResponseError,
    {
        error.as_error::<T>().is_some() || error.as_error::<InternalError<T>>().is_some()
    }
    let kinds = [
        one::<JsonPayloadError>,
        one::<UrlencodedError>,
        one::<QueryPayloadError>,
        one::<PathError>,
        one::<PayloadError>,
        one::<ReadlinesError>,
        one::<ContentTypeError>,
        one::<ParseError>,
    ];
    response.error().is_some_and(|error| kinds.iter().any(|is_one| is_one(error)))
}
