//! Purchase orders: made once by their code (`strategy = "unique"`), then paid, completed or
//! cancelled once (`strategy = "state"`), by the account that made them and nobody else (`owner`).

use crate::account::Account;
use crate::business::{Business, ShopTx, count, purchase_orders as table};
use crate::error::ShopError;
use actix_web::{HttpResponse, Responder, get, post, web};
use idempotent_runtime::{States, idempotent};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// The state of a purchase order.
#[derive(States)]
pub(crate) enum Status {
    #[to(Paid, Cancelled)]
    Created,
    #[to(Completed)]
    Paid,
    Completed,
    Cancelled,
}

/// A purchase order as somebody sends it.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPurchaseOrder {
    code: String,
    sku: String,
}

/// Makes a purchase order. A request that sends its code again gets the existing one.
#[idempotent(strategy = "unique", existing = existing, constraint = "code")]
#[utoipa::path(
    operation_id = "create_purchase_order",
    responses(
        (status = 201, description = "The new purchase order"),
        (status = 200, description = "The purchase order that exists already")
    )
)]
#[post("/purchase-orders")]
pub(crate) async fn create(
    account: Account,
    new: web::Json<NewPurchaseOrder>,
    mut tx: ShopTx,
) -> Result<HttpResponse, ShopError> {
    count(tx.connection(), "create_purchase_order").await?;
    table::insert(tx.connection(), &account.0, &new.code, &new.sku).await?;
    table::note(tx.connection(), &new.code, "created").await?;
    Ok(HttpResponse::Created().json(json!({"code": new.code, "sku": new.sku})))
}

/// The existing purchase order, unless it is another account's.
async fn existing(
    account: Account,
    new: web::Json<NewPurchaseOrder>,
    mut tx: ShopTx,
) -> Result<HttpResponse, ShopError> {
    let there = table::find(tx.connection(), &account.0, &new.code).await?;
    let there = there.ok_or(ShopError::Taken)?;
    Ok(HttpResponse::Ok().json(json!({"code": there.code, "sku": there.sku})))
}

/// A step of a purchase order. All steps are alike, except for the states that they go from and to.
#[rustfmt::skip] // rustfmt moves the attribute's arguments further to the right each time
macro_rules! step {
    ($name:ident: $path:literal, $from:ident to $to:ident, $entry:literal) => {
        #[doc = concat!("The step after which it is ", $entry, ", once.")]
        #[idempotent(
            strategy = "state",
            table = "purchase_orders",
            id = "{path.code}",
            id_column = "code",
            owner = "{account.0}",
            owner_column = "account",
            from = Status::$from,
            to = Status::$to
        )]
        #[utoipa::path(responses((status = 200, description = "The step is done")))]
        #[post($path)]
        pub(crate) async fn $name(
            account: Account,
            code: web::Path<String>,
            mut tx: ShopTx,
        ) -> Result<impl Responder, ShopError> {
            // The guard checked before that the caller owns it.
            let _ = account;
            let operation = concat!(stringify!($name), "_purchase_order");
            step(&mut tx, &code, operation, $entry).await
        }
    };
}

step!(pay: "/purchase-orders/{code}/pay", Created to Paid, "paid");
step!(complete: "/purchase-orders/{code}/complete", Paid to Completed, "completed");
step!(cancel: "/purchase-orders/{code}/cancel", Created to Cancelled, "cancelled");

/// The work of a step, without the change of the state itself.
async fn step(
    tx: &mut ShopTx,
    code: &str,
    operation: &str,
    status: &str,
) -> Result<HttpResponse, ShopError> {
    count(tx.connection(), operation).await?;
    table::note(tx.connection(), code, status).await?;
    Ok(HttpResponse::Ok().json(json!({"code": code, "status": status})))
}

/// A purchase order, its state, and all of its steps.
#[get("/purchase-orders/{code}")]
pub(crate) async fn show(
    account: Account,
    code: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let mut acquired = business.acquire().await?;
    let order = table::find(acquired.connection(), &account.0, &code).await?;
    let order = order.ok_or(ShopError::NotFound("purchase order"))?;
    let ledger = table::ledger(acquired.connection(), &code).await?;
    Ok(web::Json(json!({
        "code": order.code,
        "sku": order.sku,
        "status": order.status,
        "ledger": ledger,
    })))
}
