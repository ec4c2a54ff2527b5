//! A status that does not exist.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(store = "2xx, 700")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

/// Digits in front of a class that a number of 16 bits would drop, or would not hold.
#[idempotent(store = "658xx")]
async fn update() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(store = "700xx")]
async fn delete() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
