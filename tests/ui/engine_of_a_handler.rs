//! An `engine` on a handler, which uses the app's engine.

#![allow(unused_imports, dead_code)]

use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::idempotent;

#[idempotent(engine = "messages")]
async fn create() -> &'static str {
    "created"
}

fn main() {}
