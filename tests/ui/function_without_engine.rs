//! A function without an `engine`.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}")]
async fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
