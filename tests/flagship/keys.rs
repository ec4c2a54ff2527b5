//! `POST /orders` and `POST /orders/wait`: the client's key, and retries with it.

use crate::shop::assert_replays;
use crate::{Records, Shop};
use futures_util::future::join_all;
use serde_json::json;

on! { memory sqlite redis: [
    a_retry_gets_the_first_order_again,
    another_order_under_the_key_is_refused,
    without_a_key_nothing_runs,
    an_order_that_cannot_be_read_spends_no_key,
    two_routes_do_not_share_a_key,
    while_the_first_runs_a_retry_is_told_to_come_back,
    of_fifty_that_wait_one_runs_and_all_get_its_answer,
] }

async fn a_retry_gets_the_first_order_again(records: Records) {
    let shop = Shop::open(records);
    let first = shop.order("k").send().await;
    let order = first.json();
    let id = order["id"].as_str().expect("an id");
    assert_eq!(first.status, 201);
    assert_eq!(first.header("Location"), Some(&*format!("/orders/{id}")));
    assert_eq!(first.header("Content-Type"), Some("application/json"));
    assert_eq!(order, json!({"id": id, "sku": "book", "quantity": 1, "account": "alice"}));
    assert_eq!(first.header("Idempotency-Replayed"), None);

    assert_replays(&first, &shop.order("k").send().await);
    assert_eq!(shop.effects("create_order").await, 1);
    assert_eq!(shop.orders.get(&format!("/orders/{id}")).send().await.json(), order);

    let other = shop.order("k2").send().await;
    assert_eq!((other.status, other.is_replay()), (201, false));
    assert_replays(&first, &shop.order("k").send().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (2, 2));
}

async fn another_order_under_the_key_is_refused(records: Records) {
    let shop = Shop::open(records);
    assert_eq!(shop.order("k").send().await.status, 201);
    let other = json!({"sku": "book", "quantity": 2});
    shop.order("k").json(&other).send().await.is_problem(422, "key-reused");
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn without_a_key_nothing_runs(records: Records) {
    let shop = Shop::open(records);
    for path in ["/orders", "/orders/wait"] {
        let order = shop.orders.post(path).json(&crate::shop::book());
        order.send().await.is_problem(400, "key-missing");
    }
    shop.order("").send().await.is_problem(400, "key-missing");
    assert_eq!(shop.list().await, [json!(null); 0]);
    assert_eq!(shop.effects("create_order").await + shop.effects("create_order_or_wait").await, 0);
}

async fn an_order_that_cannot_be_read_spends_no_key(records: Records) {
    let shop = Shop::open(records);
    let unknown = shop.suffer("k", &json!({"delay": 1})).send().await;
    let broken = shop.order("k").body("{").send().await;
    assert_eq!((unknown.status, broken.status), (400, 400));
    assert_eq!(shop.effects("create_order").await, 0);
    assert_eq!(shop.order("k").send().await.status, 201);
}

async fn two_routes_do_not_share_a_key(records: Records) {
    let shop = Shop::open(records);
    let one = shop.suffer("k", &json!({})).send().await;
    let other = shop.order_or_wait("k", &json!({})).send().await;
    assert_eq!((one.status, other.status, other.is_replay()), (201, 201, false));
    assert_ne!(one.body, other.body);
}

async fn while_the_first_runs_a_retry_is_told_to_come_back(records: Records) {
    let shop = Shop::open(records);
    let slow = json!({"delay_ms": 1500});
    let first = tokio::spawn(shop.suffer("k", &slow).send());
    shop.effects_reach("create_order", 1).await;
    let retry = shop.suffer("k", &slow).send().await;
    let other = shop.order("k").send().await;
    assert!(!first.is_finished(), "the retries came in time");

    retry.is_problem(409, "in-progress");
    let seconds: u64 = retry.header("Retry-After").expect("a hint").parse().expect("seconds");
    assert!((1..=2).contains(&seconds), "{seconds}");
    other.is_problem(422, "key-reused");
    let first = first.await.expect("no panic");
    assert_eq!(first.status, 201);
    assert_replays(&first, &shop.suffer("k", &slow).send().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn of_fifty_that_wait_one_runs_and_all_get_its_answer(records: Records) {
    let shop = Shop::open(records);
    let slow = json!({"delay_ms": 500});
    let replies = join_all((0..50).map(|_| shop.order_or_wait("k", &slow).send())).await;
    let (again, first): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.is_replay());
    assert_eq!((first.len(), first[0].status), (1, 201));
    for reply in again {
        assert_replays(first[0], reply);
    }
    assert_eq!((shop.effects("create_order_or_wait").await, shop.list().await.len()), (1, 1));
}
