//! A server that is really down; invariants S8, L3 and L5.

use crate::Shop;
use std::time::{Duration, Instant};
use tests::{RedisServer, Reply, eventually};

/// The engine's patience with its store, two seconds, and something for a busy host.
const BOUND: Duration = Duration::from_secs(8);

/// Checks that a request is refused in time, and without a run.
async fn refused(shop: &Shop, request: impl Future<Output = Reply>) {
    let (before, began) = (shop.handler.runs(), Instant::now());
    let reply = request.await;
    reply.is_problem(503, "store-unavailable");
    let seconds: u64 = reply.header("Retry-After").expect("when to retry").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    assert_eq!(shop.handler.runs(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_dead_nothing_runs_and_afterwards_all_is_well() {
    let mut shop = Shop::open().await;
    assert_eq!(shop.order("before").await.status, 201);
    for round in 0..2 {
        shop.redis.kill();
        for key in ["before", "new"] {
            refused(&shop, shop.order(key)).await;
        }
        shop.redis.restart();
        // Every worker finds its way back, at the first request.
        for n in 0..8 {
            assert_eq!(shop.order(&format!("after-{round}-{n}")).await.status, 201);
        }
    }
}

/// Guarantee 1: while Redis keeps its data, a duplicate is a duplicate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_writes_through_knows_its_records_after_a_crash() {
    let options = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    let mut shop = Shop::on(RedisServer::start_with(&options)).await;
    let first = shop.order("k").await;
    shop.redis.kill();
    refused(&shop, shop.order("k")).await;
    shop.redis.restart();
    let second = shop.order("k").await;
    assert_eq!((second.is_replay(), second.body), (true, first.body));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_in_mid_handler_costs_nobody_the_response() {
    let options = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    let mut shop = Shop::on(RedisServer::start_with(&options)).await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.redis.kill();
    shop.handler.resume();
    let began = Instant::now();
    let reply = running.await.unwrap();
    assert_eq!((reply.status, &reply.body[..]), (201, &b"run 1"[..]));
    assert_eq!(reply.header("Idempotency-Stored"), Some("false"));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    shop.redis.restart();
    // The record of the run is still there, and gets its outcome.
    let retry = eventually("the outcome is stored", async || {
        let retry = shop.post("/orders").key("k").send().await;
        (retry.status == 201).then_some(retry)
    });
    assert_eq!((retry.await.is_replay(), shop.handler.runs()), (true, 1));
}

/// A server that answers nothing and closes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_hangs_nothing_runs_and_no_key_stays_locked() {
    let shop = Shop::open().await;
    for path in ["/orders", "/hasty"] {
        assert_eq!(shop.post(path).key("before").send().await.status, 201);
    }
    let before = shop.handler.runs();
    let hang = shop.redis.suspend();
    refused(&shop, shop.order("before")).await;
    refused(&shop, shop.post("/hasty").key("new").send()).await;
    drop(hang);
    assert_eq!(shop.order("other").await.status, 201);
    // The claim that got no answer may have arrived; its key is free after its lease.
    eventually("the key is free", async || {
        let retry = shop.post("/hasty").key("new").send().await;
        assert!(matches!(retry.status, 201 | 409), "{retry:?}");
        (retry.status == 201).then_some(())
    })
    .await;
    assert!(shop.order("before").await.is_replay());
    assert_eq!(shop.handler.runs(), before + 2);
}

/// Requests arrive together while the server is down: all get an answer, and none runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_meets_a_dead_server_and_then_a_living_one() {
    let mut shop = Shop::open().await;
    shop.redis.kill();
    let crowd = (0..40).map(|n| refused(&shop, shop.post("/orders").key(&format!("k{n}")).send()));
    futures_util::future::join_all(crowd).await;
    shop.redis.restart();
    let replies = (0..40).map(|n| shop.post("/orders").key(&format!("k{n}")).send());
    let replies = futures_util::future::join_all(replies).await;
    assert!(replies.iter().all(|reply| reply.status == 201));
    assert_eq!(shop.handler.runs(), 40);
}
