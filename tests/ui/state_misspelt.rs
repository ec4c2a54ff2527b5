//! A transition to a variant that does not exist.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[derive(States)]
enum Status {
    #[to(Paid)]
    Created,
    Paid,
}

#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Payd)]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
