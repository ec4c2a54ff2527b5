//! The client of a run, who must be told if the handler panics.

use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::app::idempotency::Idempotency;
use crate::http::app::refused::rendered;
use actix_web::{HttpRequest, HttpResponse};

/// The client of a run, who must be told if the handler panics.
#[derive(Clone)]
pub(crate) enum Client {
    /// The sender of this request.
    Here(HttpRequest),
    /// The sender of a request that was moved into the code that panicked. The request is lost with that code.
    Moved {
        /// The app that guards the handler.
        app: Idempotency,
        /// The request's path.
        path: String,
    },
}

impl Client {
    pub(crate) fn app(&self) -> Option<Idempotency> {
        match self {
            Self::Here(request) => request.app_data().cloned(),
            Self::Moved { app, .. } => Some(app.clone()),
        }
    }

    /// The problem of this run. `retryable` tells whether the same request may succeed later.
    pub(crate) fn tell(&self, kind: ProblemKind, detail: &str, retryable: bool) -> HttpResponse {
        match self {
            Self::Here(request) => {
                let problem = Problem::new(kind, request.path(), detail).retryable(retryable);
                rendered(request, &problem)
            }
            Self::Moved { app, path } => {
                app.rendering().render_bare(&Problem::new(kind, path, detail).retryable(retryable))
            }
        }
    }
}
