//! Orders by a key that the client chooses: `strategy = "request_id"`.

use crate::account::Account;
use crate::business::{Business, Order};
use crate::error::ShopError;
use crate::simulate::Simulate;
use actix_web::{HttpResponse, Responder, get, post, web};
use idempotent_runtime::idempotent;
use serde::Deserialize;
use ulid::Ulid;
use utoipa::ToSchema;

/// An order as a client sends it.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewOrder {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    #[serde(default)]
    pub(crate) simulate: Simulate,
}

impl NewOrder {
    /// Inserts the order into the database, unless the request asks for a failure.
    pub(crate) async fn place(
        &self,
        operation: &str,
        account: Account,
        business: &Business,
    ) -> Result<Result<Order, HttpResponse>, ShopError> {
        business.count(operation).await?;
        if let Some(failure) = self.simulate.suffer().await {
            return Ok(Err(failure));
        }
        let Account(account) = account;
        let id = Ulid::generate().to_string();
        let (sku, quantity) = (self.sku.clone(), i64::from(self.quantity));
        let order = Order { id, sku, quantity, account };
        business.insert(&order).await?;
        Ok(Ok(order))
    }

    async fn create(
        &self,
        operation: &str,
        account: Account,
        business: &Business,
    ) -> Result<HttpResponse, ShopError> {
        Ok(match self.place(operation, account, business).await? {
            Err(failure) => failure,
            Ok(order) => {
                let location = format!("/orders/{}", order.id);
                self.simulate.dress(HttpResponse::Created(), &location, &order)
            }
        })
    }
}

/// A retry gets the first answer. While the first request runs, a retry is told to come later.
#[idempotent(key = "{header.Idempotency-Key}", strategy = "request_id", ttl = "24h")]
#[utoipa::path(responses((status = 201, description = "The order")))]
#[post("/orders")]
pub(crate) async fn create_order(
    account: Account,
    order: web::Json<NewOrder>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    order.create("create_order", account, &business).await
}

/// The same, but a retry waits while the first request runs, and gets its answer.
#[idempotent(on_in_flight = "wait", wait = "30s", ttl = "24h")]
#[utoipa::path(responses((status = 201, description = "The order")))]
#[post("/orders/wait")]
pub(crate) async fn create_order_or_wait(
    account: Account,
    order: web::Json<NewOrder>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    order.create("create_order_or_wait", account, &business).await
}

/// The caller's orders.
#[get("/orders")]
pub(crate) async fn list(
    account: Account,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    Ok(web::Json(business.orders(&account.0).await?))
}

/// One of the caller's orders.
#[get("/orders/{id}")]
pub(crate) async fn show(
    account: Account,
    id: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let order = business.order(&account.0, &id).await?;
    order.map(web::Json).ok_or(ShopError::NotFound("order"))
}
