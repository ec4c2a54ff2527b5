//! The times of a request, as the process that serves it sees them.

use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use std::process::id;
use std::time::{SystemTime, UNIX_EPOCH};

/// The process, and the times when the request came, its handler began and ended, and its answer was sent.
const SERVED: HeaderName = HeaderName::from_static("x-served");

/// The time when a request came, in milliseconds of the host's clock.
pub(crate) struct Came(pub(crate) i64);

/// The times when its handler began and ended.
pub(crate) struct Ran {
    pub(crate) began: i64,
    pub(crate) ended: i64,
}

pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// The time when a request came.
pub(crate) fn came(request: &HttpRequest) -> i64 {
    request.extensions().get::<Came>().map_or_else(now, |came| came.0)
}

/// Puts the times into a header of the answer. A request that did not run waited the whole time.
pub(crate) fn tell<B>(response: &mut ServiceResponse<B>) {
    let (came, left) = (came(response.request()), now());
    let (began, ended) = {
        let extensions = response.request().extensions();
        extensions.get::<Ran>().map_or((left, left), |ran| (ran.began, ran.ended))
    };
    let told = format!("{} {came} {began} {ended} {left}", id());
    if let Ok(told) = HeaderValue::from_str(&told) {
        response.headers_mut().insert(SERVED, told);
    }
}
