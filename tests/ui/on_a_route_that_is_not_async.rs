//! On a function below its route that is not async.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, post, web};
use idempotent_runtime::idempotent;

#[post("/orders")]
#[idempotent]
fn create(order: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0)
}

#[post("/other")]
#[idempotent]
fn other() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
