//! A scope that is the same for every caller.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(scope = "orders")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
