//! A lock without a name.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "lock")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
