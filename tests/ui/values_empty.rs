//! Lists with nothing at one place, and a value that is none.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(store = "2xx,", headers = "X-Total,,X-Page", max_body = true)]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(store = "700xx", max_body = 0)]
async fn other() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
