//! A transition from a state of one enum to a state of another.

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

#[derive(States)]
enum Parcel {
    #[to(Shipped)]
    Packed,
    Shipped,
}

#[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Parcel::Shipped)]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
