//! `unique` on a handler without a `Result`, whose violation could not be seen.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(strategy = "unique", existing = existing)]
async fn responder() -> impl Responder {
    HttpResponse::Created()
}

#[idempotent(strategy = "unique", existing = existing)]
async fn response() -> HttpResponse {
    HttpResponse::Created().finish()
}

async fn existing() -> HttpResponse {
    HttpResponse::Ok().finish()
}

fn main() {}
