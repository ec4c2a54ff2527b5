//! A lease longer than the `ttl`: a run could outlive its record.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(lease = "2h", ttl = "1h")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
