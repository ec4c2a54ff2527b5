//! A constant that is not a duration.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

const HOUR: u64 = 60 * 60;

#[idempotent(ttl = HOUR, lease = "5s")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
