//! Routes for an observer and for an administrator.

use crate::business::Business;
use crate::error::ShopError;
use actix_web::{HttpResponse, Responder, get, post, web};

/// The number of times that the body of each operation really ran.
#[get("/effects")]
pub(crate) async fn effects(business: web::Data<Business>) -> Result<impl Responder, ShopError> {
    Ok(web::Json(business.effects().await?))
}

/// Revokes the account's credential: it is refused from now on.
#[post("/admin/revoke/{account}")]
pub(crate) async fn revoke(
    account: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    business.revoke(&account).await?;
    Ok(HttpResponse::NoContent())
}
