//! A return type that cannot tell a value from an error.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: u32) -> Option<u32> {
    Some(id)
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn forget(messages: &Messages, id: u32) {}

fn main() {}
