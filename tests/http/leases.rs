//! Leases that are renewed for as long as their owner runs.

use crate::Shop;
use actix_web::HttpResponse;
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use tests::{Backend, eventually};

on_every_store! { in real time;
    a_handler_slower_than_its_lease_keeps_it,
    a_handler_that_blocks_its_worker_keeps_its_lease,
    two_failed_renewals_in_a_row_lose_nothing,
    a_short_run_is_never_renewed,
    of_what_is_kept_for_the_longest_ttl_there_is_one_owner,
}

/// The run is longer than one lease of two seconds, so the lease would end without renewals.
pub(crate) async fn longer_than_a_lease(shop: &Shop) {
    eventually("four renewals", async || (shop.idempotency.counts().renewed >= 4).then_some(()))
        .await;
}

/// Checks that another process is refused while the first runs.
async fn nobody_else_runs(shop: &Shop) {
    let elsewhere = shop.beside();
    tokio::select! {
        refused = elsewhere.post("/lasting").key("k").send() => {
            refused.is_problem(409, "in-progress");
        }
        () = shop.handler.runs_reach(2) => panic!("another runs, although the lease is kept alive"),
    }
}

async fn a_handler_slower_than_its_lease_keeps_it(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting").key("k").send());
    longer_than_a_lease(&shop).await;
    nobody_else_runs(&shop).await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(shop.post("/lasting").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

/// If an app's own store panics, one renewal fails, and the lease is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_panics_in_renewals_does_not_end_them() {
    let shop = Shop::open(Backend::memory_in_real_time().await);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.backend.store.panic_at_swaps(2);
    longer_than_a_lease(&shop).await;
    nobody_else_runs(&shop).await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(shop.post("/lasting").key("k").send().await.is_replay());
}

async fn a_handler_that_blocks_its_worker_keeps_its_lease(backend: Backend) {
    let shop = Shop::open(backend);
    let (go_on, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    shop.handler.answers(move |run| {
        blocked.lock().unwrap().recv().unwrap();
        HttpResponse::Created().body(format!("run {run}"))
    });
    let first = tokio::spawn(shop.post("/lasting").key("k").send());
    longer_than_a_lease(&shop).await;
    nobody_else_runs(&shop).await;
    go_on.send(()).unwrap();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(shop.handler.runs(), 1);
}

async fn two_failed_renewals_in_a_row_lose_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.backend.store.fail_next_swaps(2);
    longer_than_a_lease(&shop).await;
    assert_eq!(shop.backend.store.swaps_to_fail(), 0);
    nobody_else_runs(&shop).await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(shop.idempotency.counts().lost, 0);
}

async fn a_short_run_is_never_renewed(backend: Backend) {
    let shop = Shop::open(backend);
    for key in 0..20 {
        assert_eq!(shop.post("/lasting").key(&format!("k{key}")).send().await.status, 201);
    }
    assert_eq!(shop.idempotency.counts().renewed, 0);
}

/// A record lives for its lease and then for its ttl: no store may cut this sum off.
async fn of_what_is_kept_for_the_longest_ttl_there_is_one_owner(backend: Backend) {
    let ten_years = Duration::from_hours(24 * 3650);
    let shop = Shop::with(backend, |builder| builder.ttl(ten_years));
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.post("/orders").key("k").send().await.is_problem(409, "in-progress");
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(shop.post("/orders").key("k").send().await.is_replay());
}
