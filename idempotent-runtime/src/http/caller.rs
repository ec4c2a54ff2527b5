//! Who calls a route of ours that no policy guards.

use crate::http::app::Idempotency;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::scope::NoScope;
use crate::key::KeyParts;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest};

/// Who calls, by the app's rule.
pub(super) struct Caller {
    pub(super) app: Idempotency,
    pub(super) request: HttpRequest,
    pub(super) scope: KeyParts,
}

impl Caller {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Error> {
        let app = Idempotency::extract(request).into_inner()?;
        let scope = app.scope().of(request).map_err(|none| match none {
            NoScope::Refused(error) => error,
            NoScope::Missing(why) => {
                let problem = Problem::new(ProblemKind::ScopeMissing, request.path(), why);
                refused(&app, request, &problem)
            }
        })?;
        Ok(Self { app, request: request.clone(), scope })
    }

    /// A problem as the caller gets it.
    pub(super) fn refuse(&self, problem: &Problem) -> Error {
        refused(&self.app, &self.request, problem)
    }
}

fn refused(app: &Idempotency, request: &HttpRequest, problem: &Problem) -> Error {
    InternalError::from_response(problem.detail.clone(), app.render(request, problem)).into()
}
