//! `stale` without a `cache`.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(ttl = "1h", stale = "1m")]
async fn show() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
