//! `token` without a key.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "token", operation = "createOrder")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
