//! `simulate`: faults on request, and the answer to a retry after each.

use crate::shop::assert_replays;
use crate::{Records, Shop};
use serde_json::{Value, json};

/// The longest response that is stored, by default.
const LIMIT: usize = 2 << 20;

on! { memory sqlite redis: [
    after_a_status_that_passes_a_retry_runs_again,
    a_status_that_stays_is_replayed,
    after_a_panic_the_server_lives_and_a_retry_runs_again,
    a_response_of_exactly_the_limit_is_replayed,
    a_response_over_the_limit_is_not_stored_and_not_run_again,
    what_no_cache_may_store_is_still_protected,
    a_handler_that_blocks_its_thread_is_protected,
] }

async fn after_a_status_that_passes_a_retry_runs_again(records: Records) {
    let shop = Shop::open(records);
    for (runs, status) in (1..).zip([408, 425, 429, 500, 503]) {
        let failing = json!({"status": status});
        for run in [2 * runs - 1, 2 * runs] {
            let failed = shop.suffer(&format!("k{status}"), &failing).send().await;
            assert_eq!((failed.status, failed.is_replay()), (status, false));
            assert_eq!(shop.effects("create_order").await, run, "{status}");
        }
    }
    assert_eq!(shop.list().await, [Value::Null; 0]);
}

async fn a_status_that_stays_is_replayed(records: Records) {
    let shop = Shop::open(records);
    for (runs, status) in (1..).zip([400, 404, 409, 422]) {
        let order = || shop.suffer(&format!("k{status}"), &json!({"status": status})).send();
        let first = order().await;
        assert_eq!(first.status, status);
        assert_replays(&first, &order().await);
        assert_eq!(shop.effects("create_order").await, runs, "{status}");
    }
}

async fn after_a_panic_the_server_lives_and_a_retry_runs_again(records: Records) {
    let shop = Shop::open(records);
    for run in 1..=4 {
        let failed = shop.suffer("k", &json!({"panic": true})).send().await;
        failed.is_problem(500, "handler-panicked");
        assert_eq!(shop.effects("create_order").await, run);
    }
    assert_eq!(shop.order("other").send().await.status, 201);
}

async fn a_response_of_exactly_the_limit_is_replayed(records: Records) {
    let shop = Shop::open(records);
    let order = || shop.suffer("k", &json!({"body_bytes": LIMIT})).send();
    let first = order().await;
    assert_eq!((first.status, first.body.len()), (201, LIMIT));
    assert_eq!(first.header("Idempotency-Stored"), None);
    assert_replays(&first, &order().await);
}

/// Invariant S12.
async fn a_response_over_the_limit_is_not_stored_and_not_run_again(records: Records) {
    let shop = Shop::open(records);
    let order = || shop.suffer("k", &json!({"body_bytes": LIMIT + 1})).send();
    let first = order().await;
    assert_eq!((first.status, first.body.len()), (201, LIMIT + 1));
    assert_eq!(first.json()["sku"], "book");
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    order().await.is_problem(409, "not-replayable");
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn what_no_cache_may_store_is_still_protected(records: Records) {
    let shop = Shop::open(records);
    let order = || shop.suffer("k", &json!({"no_store": true})).send();
    let first = order().await;
    assert_eq!((first.status, first.header("Cache-Control")), (201, Some("no-store")));
    assert_replays(&first, &order().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn a_handler_that_blocks_its_thread_is_protected(records: Records) {
    let shop = Shop::open(records);
    let order = || shop.suffer("k", &json!({"block_ms": 300})).send();
    let first = order().await;
    assert_eq!(first.status, 201);
    assert_replays(&first, &order().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}
