//! A caller's contacts. Looking one up is slow, and happens often: `strategy = "cache"`.

use crate::account::Account;
use crate::business::{Business, users};
use crate::error::ShopError;
use actix_web::{Error, HttpRequest, HttpResponse, Responder, get, put, web};
use idempotent_runtime::{Idempotency, idempotent};
use serde::Deserialize;
use std::time::Duration;

/// The time that it takes to look up a contact.
const COST: Duration = Duration::from_millis(100);

/// The name of a contact.
#[derive(Debug, Deserialize)]
pub(crate) struct Name {
    name: String,
}

/// Shows a contact. It is looked up at most once in half a minute; then, while others read on, once more in
/// the background.
#[idempotent(
    strategy = "cache",
    key = "{path.id}",
    operation = "getUser",
    ttl = "30s",
    stale = "30s"
)]
#[utoipa::path(operation_id = "show_user", responses((status = 200, description = "Somebody")))]
#[get("/users/{id}")]
pub(crate) async fn show(
    account: Account,
    id: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    business.count("getUser").await?;
    actix_web::rt::time::sleep(COST).await;
    let mut connection = business.acquire().await?;
    Ok(web::Json(users::find(connection.connection(), &account.0, &id).await?))
}

/// Gives a contact another name, and forgets the answer with the old one.
#[put("/users/{id}")]
pub(crate) async fn rename(
    account: Account,
    id: web::Path<String>,
    new: web::Json<Name>,
    business: web::Data<Business>,
    idempotency: Idempotency,
    request: HttpRequest,
) -> Result<impl Responder, Error> {
    let mut connection = business.acquire().await.map_err(ShopError::from)?;
    let renamed = users::rename(connection.connection(), &account.0, &id, &new.name).await;
    renamed.map_err(ShopError::from)?;
    idempotency.invalidate("getUser", [&*id]).of(&request).await?;
    Ok(HttpResponse::NoContent())
}
