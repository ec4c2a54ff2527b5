//! A number where text is expected, text where a boolean is.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(ttl = 30, required = "false")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
