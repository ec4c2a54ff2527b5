//! A key that is the same for every request.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(key = "order")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
