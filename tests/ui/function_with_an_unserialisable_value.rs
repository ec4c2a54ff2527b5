//! A value that cannot be stored.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[derive(Debug)]
struct Receipt;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<Receipt, MessageError> {
    Ok(Receipt)
}

fn main() {}
