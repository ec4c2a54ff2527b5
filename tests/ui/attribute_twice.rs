//! Two attributes on one handler.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(ttl = "1h")]
#[idempotent(lease = "1m")]
async fn create(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
