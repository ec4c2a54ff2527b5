//! A `ttl` that ends before a retry can come.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(first_sent = "{header.Repeatability-First-Sent}", ttl = "20s")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
