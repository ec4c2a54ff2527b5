//! Who calls: an account, by a bearer credential or, on the token routes, by the header `secret`.

use crate::business::Business;
use crate::error::ShopError;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;

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

/// Whose keys, tokens and responses: the account's, however it said its name.
pub(crate) fn scope(request: &HttpRequest) -> Result<String, Error> {
    named(request).ok_or_else(|| ShopError::Unauthorized.into())
}

fn named(request: &HttpRequest) -> Option<String> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = header("authorization").and_then(|value| {
        let (kind, name) = value.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| name.trim())
    });
    let name = bearer.or_else(|| header("secret"))?;
    (!name.is_empty()).then(|| name.to_owned())
}
