//! A return type that is not a response.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

pub struct Order;

#[idempotent]
async fn create(order: web::Json<u32>) -> Order {
    let _ = order;
    Order
}

fn main() {}
