//! A token that would not be checked.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "token", operation = "createOrder", key = "{header.token}", on_store_error = "run")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
