//! An argument that does not exist, and is near no other.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(banana = "yes")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
