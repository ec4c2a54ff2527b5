//! Refusals of actix's own extractors, as a middleware sees them.

use actix_web::error::{
    ContentTypeError, InternalError, JsonPayloadError, ParseError, PathError, PayloadError,
    QueryPayloadError, ReadlinesError, UrlencodedError,
};
use actix_web::{Error, HttpResponse, ResponseError};

/// Whether one of actix's own extractors refused the request, so that its handler did not run.
pub(crate) fn is_refused_by_extractor(response: &HttpResponse) -> bool {
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
