//! On a function that is not async.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent]
fn create(order: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
