//! An argument without a value.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(required)]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
