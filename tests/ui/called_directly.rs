//! A guarded handler that is called as a function.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, post, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0)
}

#[idempotent]
async fn of_two(order: web::Json<u32>, other: web::Path<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0 + *other)
}

async fn calls() {
    create(web::Json(7)).await;
    of_two(web::Json(7), web::Path::from(7)).await;
}

fn main() {}
