//! A `Tx` with a strategy that has no transaction.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
