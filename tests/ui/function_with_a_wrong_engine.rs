//! An engine that guards nothing.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::{Error, Messages, idempotent};

#[idempotent(strategy = "message", key = "{id}", engine = "id")]
async fn book(messages: &Messages, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
