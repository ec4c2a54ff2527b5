//! One argument, two values.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(ttl = "1h", ttl = "2h")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
