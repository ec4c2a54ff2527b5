//! The script for browsers: a route to mount.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, Route, web};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::LazyLock;

const SCRIPT: &str = include_str!("../../browser/idempotent.js");

/// Its strong entity tag: the beginning of its hash.
static TAG: LazyLock<EntityTag> = LazyLock::new(|| {
    let mut tag = String::new();
    for byte in &Sha256::digest(SCRIPT)[..12] {
        // Writing to a `String` cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    EntityTag::new_strong(tag)
});

/// A route that serves the script for browsers, under 3 KB and without dependencies.
///
/// It keeps forms with `method=post` from being submitted twice, and `idempotent.fetch` sends
/// requests with an Idempotency-Key, and again when the connection or the server fails.
/// `<form data-idempotent="off">` is left alone: for one whose answer is a download.
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
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&TAG)),
        // Without the header, the list is empty.
        Ok(IfNoneMatch::Any) => true,
        Err(_) => false,
    };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, TAG.to_string()))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"));
    if is_known {
        return response.finish();
    }
    response
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(SCRIPT)
}
