//! An argument that does not exist, one letter off.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(keyy = "{header.Idempotency-Key}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
