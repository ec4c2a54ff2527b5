//! The time in a request: too long ago, in the future, or a retry whose record is forgotten.

use crate::{Shop, guard};
use actix_web::{Responder, post, web};
use idempotent_runtime::idempotent;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Server};

on_every_store! {
    a_timestamp_within_the_window_runs_and_others_do_not,
    a_request_is_first_sent_when_its_record_lives_or_is_refused,
    a_first_time_needs_records_that_live_longer_than_clocks_differ,
}

/// Its ttl is the app's.
#[post("/timed")]
#[idempotent(first_sent = "{header.Repeatability-First-Sent}")]
async fn timed(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

async fn a_timestamp_within_the_window_runs_and_others_do_not(backend: Backend) {
    let shop = Shop::open(backend);
    let now = shop.backend.clock.wall().as_secs();
    let send = |key: &'static str, time: u64| {
        shop.post("/recent").key(key).header("Timestamp", time.to_string()).send()
    };
    assert_eq!(send("now", now).await.status, 201);
    assert_eq!(send("early", now - 200).await.status, 201);
    send("old", now - 400).await.is_problem(400, "stale-request");
    send("future", now + 400).await.is_problem(400, "stale-request");
    shop.post("/recent").key("none").send().await.is_problem(400, "stale-request");
    let nonsense = shop.post("/recent").key("odd").header("Timestamp", "yesterday").send().await;
    nonsense.is_problem(400, "stale-request");
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_request_is_first_sent_when_its_record_lives_or_is_refused(backend: Backend) {
    let shop = Shop::open(backend);
    let now = shop.backend.clock.wall().as_secs();
    let send = |key: &'static str, time: String| {
        shop.post("/first-sent").key(key).header("Repeatability-First-Sent", time).send()
    };
    let first = send("k", (now - 60).to_string()).await;
    let again = send("k", (now - 60).to_string()).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert!(again.is_replay() && again.body == first.body);
    // The ttl is an hour; half a minute less counts, because clocks may differ.
    send("late", (now - 3571).to_string()).await.is_problem(412, "retry-too-late");
    // The record would be forgotten before its retries are refused.
    send("ahead", (now + 60).to_string()).await.is_problem(400, "stale-request");
    send("odd", "yesterday".to_owned()).await.is_problem(400, "stale-request");
    shop.post("/first-sent").key("none").send().await.is_problem(400, "stale-request");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_first_time_needs_records_that_live_longer_than_clocks_differ(backend: Backend) {
    let handler = ControlledHandler::new();
    let send = async |ttl| {
        let now = backend.clock.wall().as_secs().to_string();
        let settings = guard(&backend).lease(Duration::from_secs(10)).ttl(Duration::from_secs(ttl));
        let idempotency = settings.build().expect("settings that fit");
        let server = Server::start(&idempotency, &handler, |app| {
            app.service(timed);
        });
        server.post("/timed").key("k").header("Repeatability-First-Sent", &now).send().await
    };
    let refused = send(30).await;
    refused.is_problem(500, "misconfigured");
    assert!(refused.json()["detail"].as_str().unwrap().contains("`ttl`"), "{refused:?}");
    assert_eq!((send(60).await.status, handler.runs()), (201, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_whose_record_is_forgotten_never_runs_again() {
    let shop = Shop::open(Backend::memory().await);
    let first = shop.backend.clock.wall().as_secs().to_string();
    let send =
        || shop.post("/first-sent").key("k").header("Repeatability-First-Sent", &first).send();
    assert_eq!(send().await.status, 201);
    shop.backend.pass(Duration::from_mins(59)).await;
    assert!(send().await.is_replay());
    shop.backend.pass(Duration::from_mins(2)).await;
    send().await.is_problem(412, "retry-too-late");
    assert_eq!(shop.handler.runs(), 1);
    // The record is gone: without the header the request would run.
    assert!(shop.backend.store.everything().await.is_empty());
}
