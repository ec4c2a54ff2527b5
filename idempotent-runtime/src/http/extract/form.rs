//! A token as a hidden field, for handlers that render forms.

use crate::http::answer::html::Escaped;
use crate::http::extract::token::TokenIssuer;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::borrow::Cow;

/// Renders the hidden field that makes a form safe to send twice.
///
/// The handler that receives the form reads the token with `key = "{form.token}"`.
///
/// ```
/// use actix_web::{Error, Responder, get, web};
/// use idempotent_runtime::token::FormToken;
///
/// #[get("/order")]
/// async fn order_form(token: FormToken) -> Result<impl Responder, Error> {
///     let field = token.field("createOrder").await?;
///     Ok(web::Html::new(format!("<form method=post action=/order>{field}<button>Order</button></form>")))
/// }
/// ```
///
/// Send such a page with `Cache-Control: private, no-cache`. Then no other visitor gets its token, a reload
/// makes a new one, and the back button shows the old token, whose order exists already. With `no-store` the
/// back button would fetch a new token, and the order could be placed a second time.
///
/// The token does not protect against CSRF, as [`TokenIssuer`] says.
pub struct FormToken {
    issuer: TokenIssuer,
    name: Cow<'static, str>,
}

impl FormToken {
    /// Sets the name of the field. Defaults to `token`.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The field with a new token for an operation, as HTML.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn field(&self, operation: &str) -> Result<String, Error> {
        let token = self.issuer.issue(operation).await?;
        // Without `autocomplete`, Firefox fills the previous token into a page that is reloaded.
        Ok(format!(
            r#"<input type="hidden" name="{}" value="{}" autocomplete="off">"#,
            Escaped(&self.name),
            Escaped(&token),
        ))
    }
}

impl FromRequest for FormToken {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let named = |issuer| Self { issuer, name: Cow::Borrowed("token") };
        TokenIssuer::from_request(request, payload)
            .map(move |issuer| issuer.map(named))
            .boxed_local()
    }
}
