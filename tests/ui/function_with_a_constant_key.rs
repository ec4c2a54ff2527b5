//! A key that is the same for every call.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::{Error, Messages, idempotent};

#[idempotent(strategy = "message", key = "book", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
