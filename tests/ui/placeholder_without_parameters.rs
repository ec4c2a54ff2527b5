//! A placeholder for a parameter, on a handler without parameters.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(key = "{user.id}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
