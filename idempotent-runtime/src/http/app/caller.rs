//! The caller of one of our own routes, which no policy guards.

use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::app::idempotency::Idempotency;
use crate::http::app::refused::refused;
use crate::http::app::scope::Unscoped;
use crate::key::KeyParts;
use actix_web::{Error, FromRequest, HttpRequest};

/// The caller, found by the app's rule.
pub(crate) struct Caller {
    pub(crate) app: Idempotency,
    pub(crate) request: HttpRequest,
    pub(crate) scope: KeyParts,
}

impl Caller {
    pub(crate) async fn of(request: &HttpRequest) -> Result<Self, Error> {
        let app = Idempotency::extract(request).into_inner()?;
        let scope = app.scope().read(request).await.map_err(|none| match none {
            Unscoped::Refused(error) => error,
            Unscoped::Missing(why) => {
                let problem = Problem::new(ProblemKind::ScopeMissing, request.path(), why);
                refused(request, &problem)
            }
        })?;
        Ok(Self { app, request: request.clone(), scope })
    }

    /// A problem, rendered as the app wants its callers to see it.
    pub(crate) fn refuse(&self, problem: &Problem) -> Error {
        refused(&self.request, problem)
    }
}
