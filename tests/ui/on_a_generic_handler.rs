//! On a handler with type parameters.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create<T: serde::Serialize + serde::de::DeserializeOwned>(
    order: web::Json<T>,
) -> impl Responder {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
