//! A `wait`, although duplicates in flight are rejected.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(wait = "5s")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
