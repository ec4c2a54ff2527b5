//! A key that reads a request, which a function does not have.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{header.Idempotency-Key}", scope = "{cookie.sid}", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
