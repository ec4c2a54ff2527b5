//! An engine of a handler, which has the app's.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::{MessageError, Messages, idempotent};

#[idempotent(engine = "messages")]
async fn create() -> &'static str {
    "created"
}

fn main() {}
