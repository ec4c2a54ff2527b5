//! `on_duplicate` on handlers without a key.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, get, post, put, route, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", on_duplicate = "reject")]
async fn lock(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "version", table = "things", id = "{path.id}", on_duplicate = "replay")]
async fn update(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

#[derive(States)]
enum Status {
    #[to(Paid)]
    Created,
    Paid,
}

#[idempotent(
    strategy = "state",
    table = "things",
    id = "{path.id}",
    from = Status::Created,
    to = Status::Paid,
    on_duplicate = "reject"
)]
async fn pay(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "unique", existing = existing, on_duplicate = "reject")]
async fn insert() -> Result<HttpResponse, actix_web::Error> {
    Ok(HttpResponse::Ok().finish())
}

async fn existing() -> HttpResponse {
    HttpResponse::Ok().finish()
}

fn main() {}
