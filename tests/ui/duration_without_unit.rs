//! A number without a unit.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(ttl = "30")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
