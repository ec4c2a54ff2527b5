//! A guarded function that is not async.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    Ok(id)
}

fn main() {}
