//! An ordinary mistake in the body of a function.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<u32, MessageError> {
    let text: &str = id;
    Ok("one")
}

fn main() {}
