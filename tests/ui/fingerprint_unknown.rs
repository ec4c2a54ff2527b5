//! A word that is not a fingerprint.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(fingerprint = "nome")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
