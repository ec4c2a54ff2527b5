//! The script for browsers: a route to mount.

use crate::http::answer::caching::{conditional, strong_tag};
use crate::key::hashed;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, Route, web};
use std::sync::LazyLock;

const SCRIPT: &str = include_str!("../../browser/idempotent.js");

static TAG: LazyLock<Option<HeaderValue>> =
    LazyLock::new(|| strong_tag(hashed(b"script", [SCRIPT.as_bytes()])));

/// A route that serves the script for browsers: under 3 KB when it is compressed, without dependencies.
///
/// It keeps forms with `method=post` from being submitted twice. `idempotent.fetch` sends requests with an
/// Idempotency-Key, and sends them again if the connection or the server fails; the `README.md` beside the
/// script says when. A form can be submitted again if the person stops the request or stays on the page, and
/// after 15 seconds. `<form data-idempotent="off">` is left alone: use that if the form's answer is a download.
///
/// ```
/// use actix_web::App;
/// use idempotent_runtime::token::browser_script;
///
/// let app = App::new().route("/idempotent.js", browser_script());
/// ```
///
/// ```html
/// <script src="/idempotent.js" defer></script>
/// <script type="module">
///   const order = idempotent.intent()          // one thing that a person wants
///   await order.fetch('/orders', { method: 'POST', body })
/// </script>
/// ```
pub fn browser_script() -> Route {
    web::get().to(|request: HttpRequest| async move { serve(&request) })
}

fn serve(request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(tag) = &*TAG {
        response.insert_header((ETAG, tag.clone()));
    }
    conditional(request, response.body(SCRIPT))
}
