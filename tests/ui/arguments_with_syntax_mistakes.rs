//! Mistakes in the syntax of arguments, and in their values: each is reported.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(key = [order], ttl "1h", wait = "soon" lease = "1s", on_duplicate = "repaly", , scope = "all")]
async fn create(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = row_lock, table = "things", id = "{path.id}", engine)]
async fn of_no_strategy() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
