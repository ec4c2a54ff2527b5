//! A duration as Rust does not know it.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(ttl = Duration::from_secs(5))]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
