//! Arguments of a row, with a strategy that has no row.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "dedup_table", table = "things")]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
