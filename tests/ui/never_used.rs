//! A guarded handler without a route.

#![deny(dead_code)]
#![allow(unused_imports)]

use actix_web::{HttpResponse, Responder, post, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
