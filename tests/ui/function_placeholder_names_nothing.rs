//! A placeholder that names no parameter.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{mesage.id}", engine = "messages")]
async fn book(messages: &Messages, message: (u32, u32)) -> Result<u32, MessageError> {
    Ok(message.0)
}

fn main() {}
