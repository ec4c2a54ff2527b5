//! Money, whose effect and record commit together: `strategy = "dedup_table"`.

use crate::account::Account;
use crate::business::{Business, ShopTx, accounts, count};
use crate::error::ShopError;
use crate::simulate::Simulate;
use actix_web::{HttpResponse, Responder, get, post, web};
use idempotent_runtime::idempotent;
use serde::Deserialize;
use serde_json::json;
use ulid::Ulid;
use utoipa::ToSchema;

/// Money that is paid in or out.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Amount {
    amount: u32,
}

/// Money that is paid to somebody else.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewTransfer {
    to: String,
    amount: u32,
    #[serde(default)]
    simulate: Simulate,
}

/// Pays in. With an Idempotency-Key it happens once, however often it is sent.
#[idempotent(strategy = "dedup_table", required = false)]
#[utoipa::path(responses((status = 200, description = "The new balance")))]
#[post("/accounts/{id}/deposit")]
pub(crate) async fn deposit(
    _: Account,
    id: web::Path<String>,
    deposit: web::Json<Amount>,
    mut tx: ShopTx,
) -> Result<impl Responder, ShopError> {
    count(tx.connection(), "deposit").await?;
    let balance = accounts::add(&mut tx, &id, deposit.amount).await?;
    Ok(web::Json(json!({"id": *id, "balance": balance})))
}

/// Pays somebody else exactly once, even if it is sent again or the server is killed.
#[idempotent(strategy = "dedup_table", ttl = "24h")]
#[utoipa::path(responses((status = 201, description = "The transfer")))]
#[post("/accounts/{id}/transfer")]
pub(crate) async fn transfer(
    _: Account,
    id: web::Path<String>,
    transfer: web::Json<NewTransfer>,
    mut tx: ShopTx,
) -> Result<impl Responder, ShopError> {
    count(tx.connection(), "transfer").await?;
    let balance = accounts::transfer(&mut tx, (&id, &transfer.to), transfer.amount).await?;
    if let Some(failure) = transfer.simulate.suffer().await {
        return Ok(failure);
    }
    let answer = json!({"transferId": Ulid::generate().to_string(), "balance": balance});
    Ok(transfer.simulate.dress(HttpResponse::Created(), "", &answer))
}

/// Pays out, one request at a time for each account: `strategy = "row_lock"`.
#[idempotent(strategy = "row_lock", table = "accounts", id = "{path.id}", wait = "5s")]
#[utoipa::path(responses((status = 200, description = "The new balance")))]
#[post("/accounts/{id}/withdraw")]
pub(crate) async fn withdraw(
    _: Account,
    id: web::Path<String>,
    withdrawal: web::Json<Amount>,
    mut tx: ShopTx,
) -> Result<impl Responder, ShopError> {
    count(tx.connection(), "withdraw").await?;
    let balance = accounts::take(&mut tx, &id, withdrawal.amount).await?;
    Ok(web::Json(json!({"balance": balance})))
}

/// The balance.
#[get("/accounts/{id}")]
pub(crate) async fn show(
    _: Account,
    id: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let balance = accounts::balance(business.acquire().await?.connection(), &id).await?;
    let balance = balance.ok_or(ShopError::NotFound("account"))?;
    Ok(web::Json(json!({"id": *id, "balance": balance})))
}
