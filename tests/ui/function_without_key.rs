//! A function whose calls are all one.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::{Error, Messages, idempotent};

#[idempotent(strategy = "message", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
