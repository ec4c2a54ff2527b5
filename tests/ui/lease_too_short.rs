//! A lease that ends before a renewal can reach the store.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(lease = "20ms")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
