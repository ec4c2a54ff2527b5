//! Durations that are constants of the program.

use crate::{guard, post, says};
use actix_web::{Responder, post as on_post};
use idempotent_runtime::message::MessageError;
use idempotent_runtime::{Idempotency, idempotent};
use std::time::Duration;

mod limits {
    use std::time::Duration;

    pub(super) const DAY: Duration = Duration::from_hours(24);
}

const LEASE: Duration = Duration::from_secs(5);

#[on_post("/x")]
#[idempotent(ttl = limits::DAY, lease = LEASE, on_in_flight = "wait", wait = Duration::from_secs(2))]
async fn of_constants() -> impl Responder {
    "constants"
}

#[on_post("/x")]
#[idempotent(ttl = limits::DAY.saturating_mul(2), lease = "10s")]
async fn of_both() -> impl Responder {
    "both"
}

#[idempotent(strategy = "message", engine = "engine", key = "{id}", scope = "{id}", ttl = limits::DAY)]
async fn function(engine: &Idempotency, id: u8) -> Result<u8, MessageError> {
    Ok(id)
}

#[actix_web::test]
async fn constants_in_place_of_texts() {
    says("constants", |app| app.service(of_constants), || post("/x")).await;
    says("both", |app| app.service(of_both), || post("/x")).await;
    assert_eq!(function(&guard(), 7).await.expect("it ran"), 7);
}
