//! A mistake beside a transaction, which callers leave out.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "messages", ttl = "soon")]
async fn book(messages: &Messages, id: u32, mut tx: Tx<sqlx::Sqlite>) -> Result<u32, MessageError> {
    sqlx::query("SELECT 1").execute(&mut *tx).await.map_err(|_| MessageError::Draining)?;
    Ok(id)
}

async fn caller(messages: &Messages) -> Result<u32, MessageError> {
    book(messages, 7).await
}

fn main() {}
