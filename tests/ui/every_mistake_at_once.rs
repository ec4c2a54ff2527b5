//! Independent mistakes are reported together, each once.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategie = "token", key = "{oder.0}", ttl = "soon", on_duplicate = "repaly")]
fn create(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
