//! The HTML around the parts of a page, and the policy for browsers.

use crate::http::inspector::operator::Operator;
use crate::http::inspector::words::shown;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

/// Allows nothing from other hosts, nothing inline, and no frame around the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
pub(super) const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Whether a page is updated while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    Live,
    Still,
}

/// A page of the inspector. `main` is HTML.
pub(super) struct InspectorPage<'a> {
    pub(super) title: &'a str,
    /// The relative URL of the root: empty, or `../`.
    pub(super) root: &'a str,
    pub(super) operator: &'a Operator,
    pub(super) liveness: Liveness,
    pub(super) main: String,
}

impl InspectorPage<'_> {
    pub(super) fn response(&self, status: StatusCode) -> HttpResponse {
        let Self { title, root, operator, liveness, main } = self;
        let script = format!("<script src=\"{root}script.js\" defer></script>");
        let home = format!("<a href=\"{root}./\">Inspector</a>");
        let (script, home) = match liveness {
            Liveness::Live => (&*script, ""),
            Liveness::Still => ("", &*home),
        };
        let page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"{root}style.css\">{script}</head>\
             <body><header>{home}<h1>{title}</h1><p>Numbers and runs are those of this process \
             alone, number {process} on its host; records are those of the store. You are {name}.</p></header><main>{main}</main></body></html>\n",
            process = std::process::id(),
            name = shown(operator.name()),
        );
        let mut response = HttpResponse::build(status);
        for header in HEADERS {
            response.insert_header(header);
        }
        response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(page)
    }
}

/// A page with one message.
pub(super) fn says(
    status: StatusCode,
    title: &str,
    what: &str,
    root: &str,
    operator: &Operator,
) -> HttpResponse {
    let main = format!("<p role=\"status\">{what}</p>");
    InspectorPage { title, root, operator, liveness: Liveness::Still, main }.response(status)
}
