//! The requests of a scope that its guard guards.

use crate::http::request::target;
use crate::http::task::carried::carries_task;
use actix_web::HttpRequest;
use actix_web::dev::ResourceDef;
use actix_web::http::Method;

/// Which requests are guarded, and where their key is.
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
        // A task was let in when it came.
        !carries_task(request)
            && self.methods.contains(request.method())
            && !self.except.iter().any(|pattern| pattern.is_match(target::routed_path(request)))
    }
}
