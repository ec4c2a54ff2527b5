//! The actix scope that an app mounts, with the check in front of it.

use crate::http::app::idempotency::Idempotency;
use crate::http::inspector::operator::Operator;
use crate::http::inspector::routes;
use crate::http::inspector::state::InspectorState;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppService, HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage, HttpRequest, web};
use std::fmt;
use std::sync::Arc;

/// A page for operators, to be mounted with `service`. Made by
/// [`Idempotency::inspector`](crate::Idempotency::inspector).
#[derive(Clone)]
#[must_use = "it must be mounted with `service`"]
pub struct Inspector {
    path: String,
    state: InspectorState,
}

impl Inspector {
    pub(crate) fn new(
        app: Idempotency,
        check: impl Fn(&HttpRequest) -> Result<Operator, Error> + Send + Sync + 'static,
    ) -> Self {
        let state = InspectorState::new(app, Arc::new(check));
        Self { path: "/inspector".to_owned(), state }
    }

    /// Sets the path, without a slash at its end. Defaults to `/inspector`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

impl HttpServiceFactory for Inspector {
    fn register(self, config: &mut AppService) {
        let Self { path, state } = self;
        let asked = state.clone();
        let check = move |request: ServiceRequest, next: Next<BoxBody>| {
            let who = (asked.check)(request.request());
            async move { admitted(who, request, next).await }
        };
        web::scope(&path)
            .app_data(web::Data::new(state))
            .configure(routes::all)
            .wrap(from_fn(check))
            .register(config);
    }
}

/// Lets only an operator through.
async fn admitted(
    who: Result<Operator, Error>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match who {
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(refused) => Ok(request.error_response(refused)),
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("path", &self.path).finish_non_exhaustive()
    }
}
