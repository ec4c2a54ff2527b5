//! A placeholder that is not Rust.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(key = "{order sku}")]
async fn create(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
