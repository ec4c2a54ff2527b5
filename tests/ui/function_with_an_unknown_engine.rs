//! An engine of a name that is none.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::{Error, Messages, idempotent};

#[idempotent(strategy = "message", key = "{id}", engine = "message")]
async fn book(messages: &Messages, id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages +")]
async fn forget(messages: &Messages, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
