//! A text without quotes.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(message = Once::more())]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
