//! A key that is empty.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(key = "")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
