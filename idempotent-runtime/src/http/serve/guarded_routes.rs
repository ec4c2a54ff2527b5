//! Decides which requests of an actix scope are guarded.

use crate::http::request::target;
use crate::http::task::carried::carries_task;
use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};

/// The rules for which requests are guarded, and for the place of their key.
#[derive(Clone, Debug)]
pub(super) struct GuardedRoutes {
    pub(super) methods: Vec<Method>,
    pub(super) except: Vec<ResourceDef>,
    pub(super) key: &'static str,
    pub(super) first_sent: Option<&'static str>,
}

impl GuardedRoutes {
    /// Whether a request is guarded.
    pub(super) fn guard(&self, request: &HttpRequest) -> bool {
        // A task was guarded when its request came. A preflight has no key, and changes nothing.
        !carries_task(request)
            && !is_preflight(request)
            && self.methods.contains(request.method())
            && !self.except.iter().any(|pattern| pattern.is_match(target::routed_path(request)))
    }
}

/// Whether a browser asks if it may send another request (a CORS preflight, Fetch standard).
fn is_preflight(request: &HttpRequest) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
