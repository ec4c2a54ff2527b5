//! Issuing tokens: a route to mount, and an extractor for handlers that render them.

use crate::http::app::Idempotency;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::refusal;
use crate::http::scope::NoScope;
use crate::key::Segments;
use crate::strategy;
use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Route, web};
use std::future::{Ready, ready};

/// A route that issues a token for an operation to whoever may call it, as `text/plain`.
///
/// The token is bound to the operation and to the caller's scope.
///
/// ```
/// use actix_web::{App, web};
/// use idempotent_runtime::issue_token;
///
/// let app = App::new().route("/order/getToken", issue_token("createOrder"));
/// ```
pub fn issue_token(operation: &'static str) -> Route {
    web::get().to(move |issuer: TokenIssuer| async move {
        let token = issuer.issue(operation).await?;
        Ok::<_, Error>(
            HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
                .insert_header((CACHE_CONTROL, "no-store"))
                .body(token),
        )
    })
}

/// Issues tokens to the caller of a handler, to be rendered into a form or a page.
///
/// A form token is no CSRF token: check that first, or an attacker's page uses tokens up.
pub struct TokenIssuer {
    app: Idempotency,
    request: HttpRequest,
    scope: Segments,
}

impl TokenIssuer {
    /// Issues a token for an operation, in the caller's scope.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn issue(&self, operation: &str) -> Result<String, Error> {
        let Self { app, request, scope } = self;
        let issued = strategy::issue(app.engine(), app.settings(), scope, operation).await;
        issued.map_err(|error| into_error(app, request, &refusal::store_failed(request, &error)))
    }
}

impl FromRequest for TokenIssuer {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(issuer(request))
    }
}

fn issuer(request: &HttpRequest) -> Result<TokenIssuer, Error> {
    let Some(app) = request.app_data::<Idempotency>() else {
        let response = super::serving::unprepared(request);
        return Err(InternalError::from_response("no `Idempotency` in the app", response).into());
    };
    let scope = app.scope().of(request).map_err(|none| match none {
        NoScope::Refused(error) => error,
        NoScope::Missing(why) => {
            into_error(app, request, &Problem::new(ProblemKind::ScopeMissing, request.path(), why))
        }
    })?;
    Ok(TokenIssuer { app: app.clone(), request: request.clone(), scope })
}

fn into_error(app: &Idempotency, request: &HttpRequest, problem: &Problem) -> Error {
    InternalError::from_response(problem.detail.clone(), app.render(request, problem)).into()
}
