//! Panics, lost connections, and stores that fail or hold bytes that are not records.

use crate::Shop;
use actix_web::HttpResponse;
use std::time::{Duration, Instant};
use tests::{Backend, Log, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on_every_store! {
    after_a_panic_a_retry_runs,
    after_a_panic_a_held_key_waits_for_a_person,
    a_handler_finishes_although_its_client_is_gone,
    while_the_store_is_down_nothing_runs,
    who_is_refused_in_an_outage_is_told_one_of_several_seconds,
    a_handler_can_choose_to_run_without_the_store,
    what_is_not_stored_in_time_says_so_and_is_stored_behind_its_answer,
    an_outcome_that_the_store_refuses_is_insisted_on_behind_its_answer,
    a_lost_answer_is_settled_as_the_same_owner,
    a_lost_answer_to_a_completion_is_settled,
    a_record_that_cannot_be_read_stops_the_handler,
    a_draining_server_takes_no_new_runs_and_finishes_the_others,
}

async fn after_a_panic_a_retry_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| {
        assert!(run > 1, "as the test asked");
        HttpResponse::Created().finish()
    });
    let first = shop.post("/orders").key("k").send().await;
    first.is_problem(500, "handler-panicked");
    assert_eq!(first.json()["retryable"], true, "the key is free");
    let retry = shop.post("/orders").key("k").send().await;
    assert_eq!((retry.status, retry.is_replay()), (201, false));
}

async fn after_a_panic_a_held_key_waits_for_a_person(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| panic!("as the test asked"));
    assert_eq!(shop.post("/holding").key("k").send().await.status, 500);
    shop.post("/holding").key("k").send().await.is_problem(409, "outcome-unknown");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_handler_finishes_although_its_client_is_gone(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let mut client = TcpStream::connect(shop.server.address()).await.unwrap();
    let request = "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                   Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    shop.handler.runs_reach(1).await;
    // The connection ends by a reset, so actix drops the handler's future.
    client.set_zero_linger().unwrap();
    drop(client);
    // Another request on the same server was served after the reset arrived.
    for _ in 0..20 {
        shop.post("/orders").key("k").send().await.is_problem(409, "in-progress");
    }
    shop.handler.resume();
    shop.handler.answers_reach(1).await;
    let retry = loop {
        let retry = shop.post("/orders").key("k").send().await;
        if retry.status != 409 {
            break retry;
        }
    };
    assert_eq!((retry.status, retry.is_replay(), shop.handler.runs()), (201, true, 1));
}

async fn while_the_store_is_down_nothing_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.set_down(true);
    let refused = shop.post("/orders").key("k").send().await;
    refused.is_problem(503, "store-unavailable");
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(refused.json()["retryable"], true, "it passes");
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().store_failed), (0, 1));
    shop.backend.store.set_down(false);
    assert_eq!(shop.post("/orders").key("k").send().await.status, 201);
}

/// Clients that are refused together do not all get the same `Retry-After`.
async fn who_is_refused_in_an_outage_is_told_one_of_several_seconds(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.set_down(true);
    let mut seconds = std::collections::BTreeSet::new();
    for n in 0..64 {
        let refused = shop.post("/orders").key(&format!("k{n}")).send().await;
        seconds
            .insert(refused.header("Retry-After").expect("when").parse::<u64>().expect("seconds"));
    }
    assert!(seconds.len() > 1 && seconds.iter().all(|n| (1..=3).contains(n)), "{seconds:?}");
}

async fn a_handler_can_choose_to_run_without_the_store(backend: Backend) {
    let shop = Shop::forgetful(backend);
    shop.backend.store.set_down(true);
    let unguarded = shop.post("/in-any-case/alice").key("k").send().await;
    assert_eq!((unguarded.status, unguarded.header("Idempotency-Stored")), (201, Some("false")));
    assert_eq!(shop.idempotency.counts().unguarded, 1);
    shop.backend.store.set_down(false);
    // The key may have been claimed, and is given back.
    eventually("it is", async || (shop.idempotency.under_way() == 0).then_some(())).await;
    // A request that is known to have run does not run again, even with `on_store_error = "run"`.
    assert_eq!(shop.post("/in-any-case/alice").key("other").send().await.status, 201);
    shop.backend.store.corrupt(|record| record[1..].to_vec()).await;
    let refused = shop.post("/in-any-case/alice").key("other").send().await;
    refused.is_problem(503, "store-unavailable");
    assert_eq!(refused.json()["retryable"], false, "the record stays as it is");
    assert_eq!(shop.handler.runs(), 2);
}

/// Operators see it in the log, and in the counter above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_without_the_store_is_logged_once_with_its_reason() {
    let (log, shop) = (Log::listen(), Shop::open(Backend::memory().await));
    assert_eq!(shop.post("/in-any-case/logged").key("k").send().await.status, 201);
    let lines = || log.lines("path=\"/in-any-case/logged\"");
    assert_eq!(lines(), [""; 0], "nothing to say");
    shop.backend.store.set_down(true);
    assert_eq!(shop.post("/in-any-case/logged").key("l").send().await.status, 201);
    let [line] = &lines()[..] else { panic!("one line, and not {:?}", lines()) };
    for said in ["WARN", "runs unguarded", "the store cannot be reached"] {
        assert!(line.contains(said), "{line}");
    }
    assert_eq!(shop.idempotency.counts().unguarded, 1);
}

/// The lease of half a second ends before the store answers again, and no other run took the key.
async fn what_is_not_stored_in_time_says_so_and_is_stored_behind_its_answer(backend: Backend) {
    let shop = Shop::open(backend);
    let store = shop.backend.store.clone();
    shop.handler.answers(move |_| {
        store.set_down(true);
        HttpResponse::Created().body("done")
    });
    let running = tokio::spawn(shop.post("/holding").key("k").send());
    shop.handler.answers_reach(1).await;
    shop.backend.pass(Duration::from_millis(500)).await;
    let first = running.await.unwrap();
    assert_eq!((first.status, &first.body[..]), (201, &b"done"[..]));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    assert_eq!(shop.idempotency.counts().not_stored, 1);
    assert_eq!(shop.idempotency.drain(Duration::ZERO).await, 1, "its end is to come");
    shop.backend.store.set_down(false);
    stored_late(&shop).await;
    let retry = shop.beside().post("/holding").key("k").send().await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
}

async fn stored_late(shop: &Shop) {
    eventually("it is stored after all", async || {
        (shop.idempotency.counts().stored_late == 1).then_some(())
    })
    .await;
}

/// S17: no other run begins while the store refuses the outcome. The client does not wait for the store.
async fn an_outcome_that_the_store_refuses_is_insisted_on_behind_its_answer(backend: Backend) {
    let shop = Shop::open(backend);
    let store = shop.backend.store.clone();
    shop.handler.answers(move |_| {
        store.refuse_swaps(true);
        HttpResponse::Created().body("done")
    });
    let asked = Instant::now();
    let first = shop.post("/orders").key("k").send().await;
    // The patience is two seconds, the lease a minute.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert_eq!((first.status, &first.body[..]), (201, &b"done"[..]));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    assert_eq!(shop.idempotency.counts().not_stored, 1);
    shop.post("/orders").key("k").send().await.is_problem(409, "in-progress");
    shop.backend.store.refuse_swaps(false);
    stored_late(&shop).await;
    let retry = shop.post("/orders").key("k").send().await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
    assert_eq!(shop.idempotency.counts().not_stored, 1, "it is counted once");
}

/// Invariant S9.
async fn a_lost_answer_is_settled_as_the_same_owner(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.lose_next_answer();
    let reply = shop.post("/orders").key("k").send().await;
    assert_eq!((reply.status, shop.handler.runs()), (201, 1));
    assert!(shop.post("/orders").key("k").send().await.is_replay());
}

/// Invariant S9, for the outcome.
async fn a_lost_answer_to_a_completion_is_settled(backend: Backend) {
    let shop = Shop::open(backend);
    let store = shop.backend.store.clone();
    shop.handler.answers(move |_| {
        store.lose_next_answer();
        HttpResponse::Created().finish()
    });
    let reply = shop.post("/orders").key("k").send().await;
    assert_eq!((reply.status, reply.header("Idempotency-Stored")), (201, None));
    assert!(shop.post("/orders").key("k").send().await.is_replay());
}

async fn a_record_that_cannot_be_read_stops_the_handler(backend: Backend) {
    let shop = Shop::forgetful(backend);
    let damages: [fn(Vec<u8>) -> Vec<u8>; 5] = [
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        },
        |mut bytes| {
            bytes.truncate(bytes.len() - 1);
            bytes
        },
        |mut bytes| {
            bytes[0] = 99;
            bytes
        },
        |_| Vec::new(),
        |_| b"not a record at all".to_vec(),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        let key = format!("k{n}");
        shop.post("/orders").key(&key).send().await;
        shop.backend.store.corrupt(damage).await;
        shop.post("/orders").key(&key).send().await.is_problem(503, "store-unavailable");
        assert_eq!(shop.handler.runs(), n + 1);
        assert_eq!(shop.idempotency.counts().undecodable, n as u64 + 1);
    }
}

#[actix_web::test]
async fn the_app_must_be_given_what_guards_it() {
    use actix_web::{App, test, web};
    let handler = tests::ControlledHandler::new();
    let app = App::new().app_data(web::Data::new(handler.clone())).configure(crate::routes::all);
    let app = test::init_service(app).await;
    let request = test::TestRequest::post().uri("/orders").to_request();
    assert_eq!(test::call_service(&app, request).await.status(), 500);
    assert_eq!(handler.runs(), 0);
}

/// Invariant L4.
async fn a_draining_server_takes_no_new_runs_and_finishes_the_others(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    assert_eq!(shop.idempotency.drain(Duration::ZERO).await, 1);
    shop.post("/orders").key("new").send().await.is_problem(503, "shutting-down");
    let drained = shop.idempotency.drain(Duration::from_mins(1));
    let (left, ()) = tokio::join!(drained, async { shop.handler.resume() });
    assert_eq!((left, running.await.unwrap().status, shop.handler.runs()), (0, 201, 1));
}
