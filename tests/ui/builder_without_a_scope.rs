//! Builders without a scope.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::Messages;
use idempotent_runtime::{BuildError, Idempotency, MemoryStore};
use std::time::Duration;

fn app() -> Result<Idempotency, BuildError> {
    let builder = Idempotency::builder(MemoryStore::new());
    builder.ttl(Duration::from_secs(60)).build()
}

fn messages() -> Result<Messages, BuildError> {
    Messages::builder(MemoryStore::new()).build()
}

fn main() {}
