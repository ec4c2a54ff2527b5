//! An engine with an unknown name.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "message")]
async fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages +")]
async fn forget(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
