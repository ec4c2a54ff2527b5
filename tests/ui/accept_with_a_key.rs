//! `on_duplicate = "accept"` with a key: it would accept the lost update of another client.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(
    strategy = "version",
    table = "goods",
    id = "{path.id}",
    key = "{header.Idempotency-Key}",
    on_duplicate = "accept"
)]
async fn update(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
