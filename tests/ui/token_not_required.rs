//! A token that may be absent.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "token", operation = "createOrder", key = "{header.token}", required = false)]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
