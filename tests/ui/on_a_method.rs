//! On a method.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

struct Shop;

impl Shop {
    #[idempotent]
    async fn create(&self, order: web::Json<u32>) -> impl Responder {
        HttpResponse::Ok().json(order.0)
    }
}

fn main() {}
