//! An argument of a task that cannot be stored.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpRequest, HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "async")]
async fn report(order: web::Json<u32>, request: HttpRequest) -> impl Responder {
    let _ = request;
    HttpResponse::Ok().json(order.0)
}

fn main() {}
