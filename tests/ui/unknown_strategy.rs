//! A strategy that does not exist, one letter off.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "tokens", key = "{header.token}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
