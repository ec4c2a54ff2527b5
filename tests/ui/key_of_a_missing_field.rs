//! A field that the parameter does not have: the compiler says so, on the attribute.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[derive(serde::Deserialize)]
struct Order {
    sku: String,
}

#[idempotent(key = "{order.sky}")]
async fn create(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Ok().body(order.into_inner().sku)
}

fn main() {}
