//! A header that is both kept and left out.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(headers = "Date, X-Request-Id", drop_headers = "X-Total, x-request-id")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
