//! A word that is none of the choices.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(on_duplicate = "ignore")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
