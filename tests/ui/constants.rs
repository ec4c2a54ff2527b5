//! Constants and macros as values of arguments.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;
use std::time::Duration;

const KEY: &str = "{header.Idempotency-Key}";
const TTL: Duration = Duration::from_secs(60);
const NAME: &str = "create";

#[idempotent(key = KEY, within = TTL, operation = concat!("shop.", NAME), message = env!("MESSAGE"))]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
