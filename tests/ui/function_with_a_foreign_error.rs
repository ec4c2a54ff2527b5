//! An error that cannot say why a call was refused.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[derive(Debug)]
struct BookError;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<u32, BookError> {
    Ok(id)
}

fn main() {}
