//! An `impl Trait` inside of a parameter's type.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<impl serde::de::DeserializeOwned + 'static>) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
