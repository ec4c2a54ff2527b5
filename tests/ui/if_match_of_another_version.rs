//! A rule for a header that is not read.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(
    strategy = "version",
    table = "goods",
    id = "{path.id}",
    version = "{path.version}",
    if_match = "any"
)]
async fn update(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
