//! A `cache` without a `ttl`.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "cache")]
async fn show() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
