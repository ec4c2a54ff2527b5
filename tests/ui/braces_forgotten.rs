//! Placeholders without their braces: the same text for every request.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(first_sent = "Repeatability-First-Sent")]
async fn first_sent() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(within = "5m", timestamp = "Timestamp")]
async fn timestamp() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "version", table = "things", id = "path.id", version = "If-Match")]
async fn version(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "lock", key = "order.sku")]
async fn lock(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "row_lock", table = "settings", id = "main")]
async fn of_one_row(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
