//! A status that does not exist.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(store = "2xx, 700")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
