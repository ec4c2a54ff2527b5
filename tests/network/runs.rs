//! Invariants S1, S3, L2: the network breaks while a handler runs.

use crate::{BOUND, Net, assert_ran, assert_replays};
use actix_web::HttpResponse;
use std::time::{Duration, Instant};
use tests::{Guest, eventually};

async fn until_the_lease_is_over(net: &Net) {
    eventually("the lease is over", async || net.lease_left().is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_drops_in_mid_handler_costs_nothing() {
    let net = Net::open().await;
    let running = net.held("/orders").await;
    net.proxy.drop_connections();
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.far("/orders", "k").await, "run 9");
    assert_replays(&net.near("/orders", "k").await, "run 9");
}

/// S17: the client waits no longer than the store's patience, and not for the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_is_stored_behind_its_answer_when_the_network_comes_back() {
    let net = Net::open().await;
    let running = net.held("/orders").await;
    net.proxy.refuse();
    net.handler.resume();
    let began = Instant::now();
    assert_ran(&running.await.expect("no panic"), Some("false"));
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    // The store does not answer, and meanwhile no other request runs.
    crate::refused(net.far.post("/orders").key("k")).await;
    net.near("/orders", "k").await.is_problem(409, "in-progress");
    // The claim of the other request may have been granted, and is given back, too.
    assert_eq!(net.idempotency.drain(Duration::ZERO).await, 2, "its end is waited for");
    net.proxy.pass();
    assert_eq!(net.idempotency.drain(Duration::from_mins(1)).await, 0);
    assert_replays(&net.near("/orders", "k").await, "run 9");
    let counts = net.idempotency.counts();
    assert_eq!((counts.not_stored, counts.stored_late, counts.lost, net.runs()), (1, 1, 0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_waits_for_a_network_that_comes_back_within_the_stores_patience() {
    let net = Net::open().await;
    let running = net.held("/orders").await;
    net.proxy.refuse();
    net.handler.resume();
    net.handler.answers_reach(9).await;
    assert!(!running.is_finished(), "it is not sent before it is stored");
    net.proxy.pass();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.near("/orders", "k").await, "run 9");
}

/// The claim arrives when the network comes back. Without this, no request could run for ten minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_given_up_does_not_hold_its_key() {
    let net = Net::open().await;
    net.proxy.freeze();
    crate::refused(net.far.post("/slow").key("k")).await;
    net.proxy.pass();
    assert_eq!(net.idempotency.drain(Duration::from_mins(1)).await, 0);
    assert_ran(&net.near("/slow", "k").await, None);
    assert_eq!(net.runs(), 1);
}

/// The same for a client that does not wait for its refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_while_its_claim_is_on_its_way_gives_its_key_back() {
    let net = Net::open().await;
    let is = async |many| {
        eventually("so many are under way", async || {
            (net.idempotency.under_way() == many).then_some(())
        })
        .await;
    };
    net.proxy.freeze();
    let guest = Guest::post(&net.far, "/slow", "alice", "k").await;
    is(1).await;
    guest.leaves();
    net.proxy.pass();
    is(0).await;
    // The request has run if the claim's answer came before the server knew that the client left.
    let retry = net.near("/slow", "k").await;
    assert_eq!((retry.status, net.runs()), (201, 1), "{retry:?}");
}

/// The client gets its answer at once; the store gets the key back as soon as it answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_could_not_be_given_back_is_given_back_within_the_lease() {
    let net = Net::open().await;
    net.handler.answers(|_| HttpResponse::ServiceUnavailable().finish());
    let running = net.held("/slow").await;
    net.proxy.refuse();
    net.handler.resume();
    assert_eq!(running.await.expect("no panic").status, 503);
    net.near("/slow", "k").await.is_problem(409, "in-progress");
    net.proxy.pass();
    // The lease is ten minutes.
    eventually("the key is free", async || {
        (net.near("/slow", "k").await.status == 503).then_some(())
    })
    .await;
    assert_eq!(net.runs(), 2);
}

/// No other request asked for the key meanwhile, so it is still the owner's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_longer_than_the_lease_that_nobody_used_is_survived() {
    let net = Net::open().await;
    let running = net.held("/brief").await;
    net.proxy.freeze();
    until_the_lease_is_over(&net).await;
    net.proxy.pass();
    eventually("the lease is renewed", async || net.lease_left()).await;
    net.near("/brief", "k").await.is_problem(409, "in-progress");
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.far("/brief", "k").await, "run 9");
    assert_eq!(net.runs(), 1);
}

/// The network causes a pause that is longer than the lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_longer_than_the_lease_loses_the_key_to_who_asks_for_it() {
    let net = Net::open().await;
    let running = net.held("/brief").await;
    net.proxy.freeze();
    net.near("/brief", "k").await.is_problem(409, "in-progress");
    until_the_lease_is_over(&net).await;
    let taken = tokio::spawn(net.near.post("/brief").key("k").send());
    net.handler.runs_reach(10).await;
    net.proxy.pass();
    net.handler.resume();
    let (first, second) = (running.await.expect("no panic"), taken.await.expect("no panic"));
    assert_ran(&first, Some("false"));
    assert_ran(&second, None);
    assert_eq!((&first.body[..], &second.body[..]), (&b"run 9"[..], &b"run 10"[..]));
    assert_replays(&net.far("/brief", "k").await, "run 10");
    assert_replays(&net.near("/brief", "k").await, "run 10");
    assert_eq!((net.idempotency.counts().lost, net.runs()), (1, 2));
}

/// The client gets an answer that says so, in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_ends_in_a_freeze_longer_than_its_lease_says_that_it_is_not_stored() {
    for path in ["/brief", "/brief-held"] {
        let net = Net::open().await;
        let running = net.held(path).await;
        net.proxy.freeze();
        let began = Instant::now();
        net.handler.resume();
        assert_ran(&running.await.expect("no panic"), Some("false"));
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        assert!(net.lease_left().is_none(), "the key was not free before");

        // The last try may still arrive, and then the outcome is stored.
        net.proxy.pass();
        let retry = eventually("its end came, or its lease is over", async || {
            let retry = net.far(path, "k").await;
            (retry.status == 201 || retry.problem() != "in-progress").then_some(retry)
        })
        .await;
        match (path, retry.status) {
            (_, 201) if retry.is_replay() => assert_replays(&retry, "run 9"),
            ("/brief-held", _) => retry.is_problem(409, "outcome-unknown"),
            _ => assert_ran(&retry, None),
        }
        let runs = if retry.status == 201 && !retry.is_replay() { 2 } else { 1 };
        assert_eq!(net.runs(), runs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_that_fail_in_a_freeze_shorter_than_the_lease_lose_nothing() {
    let net = Net::open().await;
    let running = net.held("/lasting").await;
    net.proxy.freeze();
    // The lease is three seconds, and a renewal was due when two were left.
    let overdue = Duration::from_millis(1200);
    let left = eventually("a renewal is overdue", async || {
        Some(net.lease_left().expect("it holds")).filter(|left| *left < overdue)
    })
    .await;
    net.near("/lasting", "k").await.is_problem(409, "in-progress");
    net.proxy.pass();
    eventually("it is renewed", async || {
        let now = net.lease_left().expect("it never ended");
        (now > left + Duration::from_secs(1)).then_some(())
    })
    .await;
    net.near("/lasting", "k").await.is_problem(409, "in-progress");
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.near("/lasting", "k").await, "run 9");
    assert_eq!((net.idempotency.counts().lost, net.runs()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_when_the_network_freezes_does_not_wait_for_ever() {
    let net = Net::open().await;
    // In another process: for a run of its own process a request waits without the store.
    net.handler.pause();
    let running = tokio::spawn(net.near.post("/waiting").key("k").send());
    net.handler.runs_reach(9).await;
    let looks = || -> u64 {
        let statistics: String = net.redis.command(&["INFO", "commandstats"]);
        let gets = statistics.split("cmdstat_get:calls=").nth(1).unwrap_or("0");
        gets.split(',').next().unwrap_or_default().parse().expect("a number")
    };
    let before = looks();
    let began = Instant::now();
    let duplicate = tokio::spawn(net.far.post("/waiting").key("k").send());
    // The first look shows that the lease holds; the next one happens while the request waits.
    eventually("it waits", async || (looks() >= before + 2).then_some(())).await;
    net.proxy.freeze();
    let tired = duplicate.await.expect("no panic");
    match tired.status {
        409 => tired.is_problem(409, "in-progress"),
        _ => tired.is_problem(503, "store-unavailable"),
    }
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    net.proxy.pass();
    net.handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&net.far("/waiting", "k").await, "run 9");
    assert_eq!(net.runs(), 1);
}
