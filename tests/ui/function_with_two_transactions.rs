//! A transaction by reference, and two of them.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;
use sqlx::Sqlite;

#[idempotent(strategy = "message", key = "{id}", engine = "messages", lease = "5s")]
async fn book(messages: &Messages, id: u32, tx: Tx<Sqlite>, other: Tx<Sqlite>) -> Result<u32, MessageError> {
    Ok(id)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn forget(messages: &Messages, id: u32, tx: &mut Tx<Sqlite>) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
