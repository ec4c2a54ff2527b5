//! A header that belongs to one client.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(headers = "X-Total, Set-Cookie")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
