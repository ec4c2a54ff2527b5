//! A key of a token with other text.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "token", operation = "createOrder", key = "order:{header.token}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
