//! The caller is an account. It is named by a bearer credential, by the header `secret` on the token
//! routes, or, if a request has neither, by the cookie of the page.

use crate::business::Business;
use crate::error::ShopError;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpRequest, web};
use idempotent_runtime::ScopeId;
use idempotent_runtime::task::TaskArgument;
use serde::Serialize;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;

/// The cookie by which the page calls.
pub(crate) const COOKIE: &str = "account";

/// The account that calls, checked.
pub(crate) struct Account(pub(crate) String);

impl FromRequest for Account {
    type Error = ShopError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ShopError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = named(request);
        let business = request.app_data::<web::Data<Business>>().cloned();
        Box::pin(async move {
            let (Some(name), Some(business)) = (name, business) else {
                return Err(ShopError::Unauthorized);
            };
            if business.is_revoked(&name).await? {
                return Err(ShopError::Unauthorized);
            }
            Ok(Self(name))
        })
    }
}

/// Keys, tokens and responses belong to the account, whichever credential named it.
impl ScopeId for Account {
    fn scope_id(&self) -> impl Display {
        &self.0
    }
}

/// A task stores its account; the credential was checked when the request came.
impl TaskArgument for Account {
    type Kept = String;

    fn keep(&self) -> impl Serialize {
        &self.0
    }

    fn restore(kept: String, _: &HttpRequest) -> Result<Self, Error> {
        Ok(Self(kept))
    }
}

/// A middleware that refuses a request without a valid credential.
pub(crate) async fn checked(
    _: Account,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

pub(crate) fn named(request: &HttpRequest) -> Option<String> {
    let said = |name| {
        // A header that is sent twice names nobody.
        let mut lines = request.headers().get_all(name);
        lines.next().map(|first| first.to_str().ok().filter(|_| lines.next().is_none()))
    };
    let name = match (said("authorization"), said("secret")) {
        (Some(credential), _) => {
            let (kind, name) = credential?.split_once(' ')?;
            kind.eq_ignore_ascii_case("bearer").then(|| name.trim().to_owned())?
        }
        (None, Some(secret)) => secret?.to_owned(),
        (None, None) => request.cookie(COOKIE)?.value().to_owned(),
    };
    (!name.is_empty()).then_some(name)
}
