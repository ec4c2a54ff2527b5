//! A text that is not a size.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(max_body = "2 megabytes")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
