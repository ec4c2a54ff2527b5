//! Settings of writes on a read.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "cache", ttl = "1m", on_duplicate = "reject")]
async fn show() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
