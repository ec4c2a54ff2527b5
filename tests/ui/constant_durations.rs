//! Wrong durations that are constants.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;
use idempotent_runtime::message::{MessageError, Messages};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[idempotent(ttl = Duration::ZERO)]
async fn of_nothing() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(ttl = MINUTE, lease = "2m", on_in_flight = "wait", wait = MINUTE)]
async fn shorter_than_its_lease() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(lease = Duration::from_millis(99))]
async fn of_a_short_lease() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages", ttl = Duration::MAX)]
async fn endless(messages: &Messages, id: u8) -> Result<u8, MessageError> {
    Ok(id)
}

fn main() {}
