//! Expressions that are more than a parameter with fields, indexes and method calls.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

fn digest(order: &u32) -> String {
    order.to_string()
}

#[idempotent(key = "{digest(&order)}{order.0 + 1}{order.0 as u8}{Self::K}{7}")]
async fn create(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(key = "{header.Idempotency-Key}{query.page-no}")]
async fn hidden(header: web::Header<actix_web::http::header::Accept>, query: web::Query<u32>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(key = "{orders.iter().map(|o| { o }).count()}")]
async fn braces(orders: web::Json<Vec<u32>>) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
