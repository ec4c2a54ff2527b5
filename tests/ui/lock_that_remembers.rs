//! Settings that have no effect on a lock.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "lock", key = "nightly", ttl = "1h", on_duplicate = "replay")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
