//! An ordinary type error points into the body, as if the attribute were not there.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<u32>) -> impl Responder {
    let sku: String = order.0;
    HttpResponse::Ok().body(sku)
}

fn main() {}
