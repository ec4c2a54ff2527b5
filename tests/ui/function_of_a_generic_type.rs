//! A function of a generic type.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book<T: ToString>(messages: &Messages, id: T) -> Result<u32, MessageError> {
    Ok(1)
}

fn main() {}
