//! On a handler whose parameter is anonymous.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: impl actix_web::FromRequest) -> impl Responder {
    let _ = order;
    HttpResponse::Ok()
}

fn main() {}
