//! Settings for writes on a `cache`.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "cache", ttl = "1m", on_duplicate = "reject")]
async fn show() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
