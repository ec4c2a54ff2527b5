//! Methods of one name on two types would answer for each other.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::idempotent;
use idempotent_runtime::message::{MessageError, Messages};

struct Bus<T> {
    messages: Messages,
    topic: T,
}

impl Bus<u8> {
    #[idempotent(strategy = "message", key = "{id}", engine = "self.messages")]
    async fn book(&self, id: u32) -> Result<u32, MessageError> {
        Ok(id)
    }
}

impl Bus<&str> {
    #[idempotent(strategy = "message", key = "{bus.topic}", engine = "bus.messages")]
    async fn send(bus: &Self) -> Result<(), MessageError> {
        Ok(())
    }
}

fn main() {}
