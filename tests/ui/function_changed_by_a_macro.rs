//! A method as `#[async_trait]` leaves it.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

use std::pin::Pin;

struct Ledger;

impl Ledger {
    #[idempotent(strategy = "message", key = "{id}", engine = "self.messages")]
    fn book<'a>(&'a self, id: u32) -> Pin<Box<dyn Future<Output = Result<u32, MessageError>> + Send + 'a>> {
        Box::pin(async move { Ok(id) })
    }
}

fn main() {}
