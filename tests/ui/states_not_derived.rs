//! A transition of an enum without `#[derive(States)]`.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

enum Status {
    Created,
    Paid,
}

#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Paid)]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
