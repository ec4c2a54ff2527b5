//! Headers of replays, although duplicates are rejected.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(on_duplicate = "reject", headers = "X-Total")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
