//! A `ttl` without a key.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", ttl = "1h")]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
