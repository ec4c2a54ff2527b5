//! Issues tokens: a route to mount, and an extractor for handlers that render tokens.

use crate::http::answer::refusal;
use crate::http::app::caller::Caller;
use crate::strategy::token;
use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Route, web};
use futures_util::future::LocalBoxFuture;

/// A route that issues a token for an operation, as `text/plain`, to every caller with a scope.
///
/// The token is bound to the operation and to the caller's scope.
///
/// ```
/// use actix_web::{App, web};
/// use idempotent_runtime::token::issue_token;
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
/// A form token does not protect against CSRF. Check for CSRF first, or an attacker's page can use tokens up.
pub struct TokenIssuer(Caller);

impl TokenIssuer {
    /// Issues a token for an operation, in the caller's scope.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn issue(&self, operation: &str) -> Result<String, Error> {
        let Caller { app, request, scope } = &self.0;
        let issued = token::issue(app.engine(), app.settings(), scope, operation).await;
        issued.map_err(|error| self.0.refuse(&refusal::store_failed(request, &error)))
    }
}

impl FromRequest for TokenIssuer {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Caller::of(&request).await.map(Self) })
    }
}
