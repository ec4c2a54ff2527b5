//! A value without Display.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[derive(serde::Deserialize)]
struct Order {
    sku: Option<String>,
}

#[idempotent(key = "{order.sku}")]
async fn create(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Ok().json(order.into_inner().sku)
}

fn main() {}
