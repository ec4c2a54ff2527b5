//! A constraint that is more than a name.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "unique", existing = existing, constraint = "codes.tenant; codes.code")]
async fn create(mut tx: Tx<sqlx::Sqlite>) -> Result<HttpResponse, actix_web::Error> {
    let _ = &mut *tx;
    Ok(HttpResponse::Ok().finish())
}

async fn existing(mut tx: Tx<sqlx::Sqlite>) -> impl Responder {
    let _ = &mut *tx;
    HttpResponse::Ok()
}

fn main() {}
