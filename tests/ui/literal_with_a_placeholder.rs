//! Placeholders in text that is sent as it is.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(message = "order {path.id} exists", operation = "{path.id}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(message = "an order {{by that id}} exists, or not: {")]
async fn with_braces() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
