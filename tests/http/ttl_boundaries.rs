//! The last millisecond of a ttl, where the test controls the clock.

use crate::Shop;
use actix_web::HttpResponse;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::{Idempotency, Scope};
use std::sync::Arc;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Server};

on_every_store!(@ memory;
    one_millisecond_decides_between_a_replay_and_a_run,
    a_replay_does_not_lengthen_a_life,
    a_ttl_counts_from_the_end_of_the_run,
    a_key_given_back_is_forgotten_after_its_ttl,
);
on_every_store!(@ sqlite;
    one_millisecond_decides_between_a_replay_and_a_run,
    a_replay_does_not_lengthen_a_life,
    a_ttl_counts_from_the_end_of_the_run,
    a_key_given_back_is_forgotten_after_its_ttl,
);

/// The ttl of `/short`.
const TTL: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

async fn one_millisecond_decides_between_a_replay_and_a_run(backend: Backend) {
    let shop = Shop::open(backend);
    let before = TTL.saturating_sub(TICK);
    for (passed, is_replay) in [(before, true), (TTL, false), (TTL + TICK, false)] {
        let key = format!("after-{}", passed.as_millis());
        shop.post("/short").key(&key).send().await;
        shop.backend.pass(passed).await;
        let retry = shop.post("/short").key(&key).send().await;
        assert_eq!((retry.status, retry.is_replay()), (201, is_replay), "{passed:?}");
    }
}

async fn a_replay_does_not_lengthen_a_life(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/short").key("k").send().await;
    for _ in 0..3 {
        shop.backend.pass(TTL / 4).await;
        assert!(shop.post("/short").key("k").send().await.is_replay());
    }
    shop.backend.pass(TTL / 4).await;
    assert!(!shop.post("/short").key("k").send().await.is_replay());
}

async fn a_ttl_counts_from_the_end_of_the_run(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/short").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.backend.pass(TTL / 4).await;
    shop.handler.resume();
    assert_eq!(running.await.unwrap().status, 201);
    shop.backend.pass(TTL.saturating_sub(TICK)).await;
    assert!(shop.post("/short").key("k").send().await.is_replay());
    shop.backend.pass(TICK).await;
    assert!(!shop.post("/short").key("k").send().await.is_replay());
}

async fn a_key_given_back_is_forgotten_after_its_ttl(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| HttpResponse::ServiceUnavailable().finish());
    shop.post("/short").key("k").send().await;
    assert_eq!(shop.backend.store.record().await.left, TTL);
    shop.backend.pass(TTL.saturating_sub(TICK)).await;
    assert_eq!(shop.backend.store.record().await.left, TICK);
    shop.backend.pass(TICK).await;
    assert_eq!(shop.post("/short").key("k").send().await.status, 503);
    assert_eq!(shop.handler.runs(), 2);
}

/// A store that is opened by its URL counts by the app's clock, too.
#[tokio::test]
async fn memory_by_its_url_forgets_by_the_clock_of_its_app() {
    let clock = Arc::new(ManualClock::new());
    let builder = Idempotency::connect("memory:").await.expect("it opens");
    let builder = builder.scope(Scope::header("Authorization")).clock(clock.clone());
    let idempotency = builder.build().expect("settings that fit");
    let handler = ControlledHandler::new();
    let server = Server::start(&idempotency, &handler, crate::routes::all);
    for (passed, is_replay) in [(TTL.saturating_sub(TICK), true), (TICK, false)] {
        server.post("/short").key("k").send().await;
        clock.advance(passed);
        let retry = server.post("/short").key("k").send().await;
        assert_eq!((retry.status, retry.is_replay()), (201, is_replay), "{passed:?}");
    }
}
