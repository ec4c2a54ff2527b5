//! Purchase orders: made once by their code (`strategy = "unique"`), then paid, completed or
//! cancelled once (`strategy = "state"`).

use crate::account::Account;
use crate::business::{Business, count, purchase_orders as table};
use crate::error::ShopError;
use actix_web::{HttpResponse, Responder, get, post, web};
use idempotent_runtime::{States, Tx, idempotent};
use serde::Deserialize;
use serde_json::json;
use sqlx::Sqlite;

/// Where in its life a purchase order is.
#[derive(States)]
pub(crate) enum Status {
    #[to(Paid, Cancelled)]
    Created,
    #[to(Completed)]
    Paid,
    Completed,
    Cancelled,
}

/// What somebody wants to buy.
#[derive(Debug, Deserialize)]
pub(crate) struct NewPurchaseOrder {
    code: String,
    sku: String,
}

/// Makes a purchase order; whoever sends its code again gets the one that is there.
#[post("/purchase-orders")]
#[idempotent(strategy = "unique", existing = existing, constraint = "purchase_orders.code")]
pub(crate) async fn create(
    account: Account,
    new: web::Json<NewPurchaseOrder>,
    mut tx: Tx<Sqlite>,
) -> Result<HttpResponse, ShopError> {
    count(&mut tx, "create_purchase_order").await?;
    table::insert(&mut tx, &new.code, &new.sku).await?;
    table::note(&mut tx, &new.code, "created").await?;
    let _ = account;
    Ok(HttpResponse::Created().json(json!({"code": new.code, "sku": new.sku})))
}

async fn existing(
    _: Account,
    new: web::Json<NewPurchaseOrder>,
    mut tx: Tx<Sqlite>,
) -> Result<HttpResponse, ShopError> {
    let there = table::find(&mut tx, &new.code).await?;
    let there = there.ok_or(ShopError::NotFound("purchase order"))?;
    Ok(HttpResponse::Ok().json(json!({"code": there.code, "sku": there.sku})))
}

/// From created to paid, once.
#[post("/purchase-orders/{code}/pay")]
#[idempotent(
    strategy = "state",
    table = "purchase_orders",
    id = "{path.code}",
    id_column = "code",
    from = Status::Created,
    to = Status::Paid
)]
pub(crate) async fn pay(
    _: Account,
    code: web::Path<String>,
    mut tx: Tx<Sqlite>,
) -> Result<impl Responder, ShopError> {
    step(&mut tx, &code, "pay_purchase_order", "paid").await
}

/// From paid to completed, once.
#[post("/purchase-orders/{code}/complete")]
#[idempotent(
    strategy = "state",
    table = "purchase_orders",
    id = "{path.code}",
    id_column = "code",
    from = Status::Paid,
    to = Status::Completed
)]
pub(crate) async fn complete(
    _: Account,
    code: web::Path<String>,
    mut tx: Tx<Sqlite>,
) -> Result<impl Responder, ShopError> {
    step(&mut tx, &code, "complete_purchase_order", "completed").await
}

/// From created to cancelled, once.
#[post("/purchase-orders/{code}/cancel")]
#[idempotent(
    strategy = "state",
    table = "purchase_orders",
    id = "{path.code}",
    id_column = "code",
    from = Status::Created,
    to = Status::Cancelled
)]
pub(crate) async fn cancel(
    _: Account,
    code: web::Path<String>,
    mut tx: Tx<Sqlite>,
) -> Result<impl Responder, ShopError> {
    step(&mut tx, &code, "cancel_purchase_order", "cancelled").await
}

/// What happens on the way, beside the change of the state itself.
async fn step(
    tx: &mut Tx<Sqlite>,
    code: &str,
    operation: &str,
    status: &str,
) -> Result<HttpResponse, ShopError> {
    count(tx, operation).await?;
    table::note(tx, code, status).await?;
    Ok(HttpResponse::Ok().json(json!({"code": code, "status": status})))
}

/// A purchase order, where it is, and every step it took.
#[get("/purchase-orders/{code}")]
pub(crate) async fn show(
    _: Account,
    code: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let mut connection = business.pool().acquire().await?;
    let order = table::find(&mut connection, &code).await?;
    let order = order.ok_or(ShopError::NotFound("purchase order"))?;
    let ledger = table::ledger(&mut connection, &code).await?;
    Ok(web::Json(json!({
        "code": order.code,
        "sku": order.sku,
        "status": order.status,
        "ledger": ledger,
    })))
}
