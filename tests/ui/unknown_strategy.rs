//! A strategy that does not exist, one letter off. The rules of other strategies say nothing about the handler.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;
use idempotent_runtime::transaction::Tx;
use sqlx::Sqlite;

#[idempotent(strategy = "tokens", key = "{header.token}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "dedup-table")]
async fn transfer(_tx: Tx<Sqlite>) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
