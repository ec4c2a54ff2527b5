//! The guarded handler.

use crate::Order;
use actix_web::{HttpResponse, Responder, post, web};
use idempotent_runtime::idempotent;

#[post("/orders")]
#[idempotent]
pub(crate) async fn create(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}
