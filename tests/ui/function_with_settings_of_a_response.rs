//! Settings of a response, which a function does not have.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(
    strategy = "message",
    key = "{id}",
    engine = "messages",
    headers = "X-Total",
    store = "2xx",
    on_store_error = "run",
    fingerprint = "request"
)]
async fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
