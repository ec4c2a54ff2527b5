//! The form for unit tests, called outside of tests.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, post, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0)
}

async fn calls() {
    create_unguarded(web::Json(7)).await;
}

fn main() {}
