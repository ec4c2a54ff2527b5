//! A state in quotes, which must be a path.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[derive(States)]
enum Status {
    #[to(Paid)]
    Created,
    #[to(Completed)]
    Paid,
    Completed,
}

#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = "created", to = Status::Paid)]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
