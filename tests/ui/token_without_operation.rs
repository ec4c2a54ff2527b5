//! Tokens are issued for an operation, whose name must not change with the function.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "token", key = "{header.token}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
