//! A `Tx` by another name, and another type that is named `Tx`.

#![allow(unused)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx as Transaction;
use idempotent_runtime::idempotent;
use sqlx::Sqlite;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: u32, tx: Transaction<Sqlite>) -> Result<u32, MessageError> {
    Ok(id)
}

mod chain {
    pub struct Tx<T>(pub T);
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn mine(messages: &Messages, id: u32, tx: chain::Tx<u64>) -> Result<u32, MessageError> {
    Ok(id)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn doubted(messages: &Messages, id: u32, #[tx(maybe)] tx: chain::Tx<u64>) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
