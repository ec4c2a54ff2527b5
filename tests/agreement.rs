//! The attribute and the runtime enforce the same limits.
//!
//! The two crates share no code, so each has limits of its own. Those of the attribute are built into
//! this test, which asks the runtime what it accepts.

#[path = "../idempotent-macros/src/limits.rs"]
mod limits;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, Responder, post};
use idempotent_runtime::clock::{Clock, ManualClock};
use idempotent_runtime::message::Messages;
use idempotent_runtime::{BuildError, Idempotency, MemoryStore, Scope, idempotent};
use limits::{CLOCK_SKEW, LONGEST, NEVER_REPLAYED, SHORTEST_LEASE};
use std::sync::Arc;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(1);

fn build(lease: Duration, ttl: Duration) -> Result<Messages, BuildError> {
    Messages::builder(MemoryStore::new()).scope("app").lease(lease).ttl(ttl).build()
}

#[test]
fn the_shortest_lease_is_the_same() {
    assert!(build(SHORTEST_LEASE, LONGEST).is_ok());
    let shorter = build(SHORTEST_LEASE.saturating_sub(TICK), LONGEST);
    assert!(matches!(shorter, Err(BuildError::LeaseTooShort(_))));
}

#[test]
fn the_longest_duration_is_the_same() {
    assert!(build(SHORTEST_LEASE, LONGEST).is_ok());
    let longer = build(SHORTEST_LEASE, LONGEST + TICK);
    assert!(matches!(longer, Err(BuildError::TooLong("ttl"))));
}

#[actix_web::test]
async fn clocks_may_differ_by_the_same_time() {
    assert_eq!(first_sent_ahead(CLOCK_SKEW).await, StatusCode::OK);
    assert_eq!(first_sent_ahead(CLOCK_SKEW + TICK).await, StatusCode::BAD_REQUEST);
}

#[post("/marked")]
#[idempotent]
async fn marked() -> impl Responder {
    let mut response = HttpResponse::Ok();
    for name in NEVER_REPLAYED {
        response.insert_header((name, "the handler's"));
    }
    response.insert_header(("X-Other", "the handler's")).finish()
}

#[actix_web::test]
async fn no_header_that_cannot_be_asked_for_is_replayed() {
    let idempotency =
        Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().expect("it fits");
    let app = init_service(App::new().app_data(idempotency).service(marked)).await;
    for is_replay in [false, true] {
        let request = TestRequest::post().uri("/marked").insert_header(("Idempotency-Key", "k"));
        let response = call_service(&app, request.to_request()).await;
        let of_the_handler =
            |name: &str| response.headers().get(name).is_some_and(|value| value == "the handler's");
        assert!(of_the_handler("X-Other"));
        for name in NEVER_REPLAYED {
            assert!(!is_replay || !of_the_handler(name), "{name}");
        }
    }
}

#[post("/")]
#[idempotent(first_sent = "{header.First-Sent}")]
async fn timed() -> impl Responder {
    "done"
}

/// The answer to a request from a client whose clock is this far ahead.
async fn first_sent_ahead(by: Duration) -> StatusCode {
    let clock = Arc::new(ManualClock::new());
    let sent = (clock.wall() + by).as_millis().to_string();
    let idempotency = Idempotency::builder(MemoryStore::new())
        .scope(Scope::shared())
        .clock(clock)
        .build()
        .expect("settings that fit");
    let app = init_service(App::new().app_data(idempotency).service(timed)).await;
    let headers = [("Idempotency-Key", "k"), ("First-Sent", &sent)];
    let request =
        headers.into_iter().fold(TestRequest::post().uri("/"), TestRequest::insert_header);
    call_service(&app, request.to_request()).await.status()
}
