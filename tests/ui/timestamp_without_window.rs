//! A `timestamp` without `within`.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(timestamp = "{header.X-Sent}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
