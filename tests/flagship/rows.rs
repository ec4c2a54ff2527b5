//! The flagship: goods with versions, purchase orders with states.

use crate::{Records, Shop};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::Sender;

on! { memory business_in_postgres business_in_mariadb: [
    goods_are_changed_by_whoever_saw_the_last_version,
    a_purchase_order_is_made_once_by_its_code,
    a_purchase_order_goes_through_its_states_once,
    a_purchase_order_is_nobody_elses,
] }

async fn goods_are_changed_by_whoever_saw_the_last_version(records: Records) {
    let shop = Shop::open(records);
    assert_eq!(shop.orders.post("/goods/g").json(&json!({"count": 5})).send().await.status, 201);
    let put = |version: Option<&str>, count: i64| {
        let url = format!("{}/goods/g", shop.orders.url());
        let put = Sender::new(Method::PUT, url).json(&json!({"count": count}));
        match version {
            Some(version) => put.header("If-Match", version),
            None => put,
        }
    };
    put(None, 6).send().await.is_problem(428, "version-missing");
    let done = put(Some("\"0\""), 6).send().await;
    assert_eq!((done.status, done.header("ETag")), (200, Some("\"1\"")));
    let stale = put(Some("\"0\""), 7).send().await;
    stale.is_problem(412, "version-mismatch");
    assert_eq!(stale.header("ETag"), Some("\"1\""));
    let shown = shop.orders.get("/goods/g").send().await;
    assert_eq!(shown.json(), json!({"id": "g", "count": 6, "version": 1}));
    assert_eq!(shown.header("ETag"), Some("\"1\""));

    let at_once = join_all((0..20).map(|count| put(Some("\"1\""), count).send())).await;
    assert_eq!(at_once.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(shop.effects("update_goods").await, 2);
    assert_eq!(shop.orders.get("/goods/unknown").send().await.status, 404);
}

async fn a_purchase_order_is_made_once_by_its_code(records: Records) {
    let shop = Shop::open(records);
    let make = || shop.orders.post("/purchase-orders").json(&json!({"code": "c", "sku": "book"}));
    let replies = join_all((0..20).map(|_| make().send())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 19, "{replies:?}");
    assert!(replies.iter().all(|reply| reply.json() == json!({"code": "c", "sku": "book"})));
    assert_eq!(shop.effects("create_purchase_order").await, 1);
}

async fn a_purchase_order_goes_through_its_states_once(records: Records) {
    let shop = Shop::open(records);
    let make = shop.orders.post("/purchase-orders").json(&json!({"code": "c", "sku": "book"}));
    assert_eq!(make.send().await.status, 201);
    let step = |step: &str| shop.orders.post(&format!("/purchase-orders/c/{step}")).send();
    step("complete").await.is_problem(409, "illegal-transition");
    let paid = join_all((0..20).map(|_| step("pay"))).await;
    assert!(paid.iter().all(|reply| reply.status == 200), "{paid:?}");
    let done = |reply: &&tests::Reply| reply.header("Idempotency-Already-Done").is_none();
    assert_eq!(paid.iter().filter(done).count(), 1);
    assert!(paid.iter().all(|reply| !reply.is_replay()), "{paid:?}");
    assert_eq!(step("complete").await.status, 200);
    step("cancel").await.is_problem(409, "illegal-transition");
    let shown = shop.orders.get("/purchase-orders/c").send().await.json();
    assert_eq!(shown["status"], "completed");
    assert_eq!(shown["ledger"], json!(["created", "paid", "completed"]));
    assert_eq!(shop.effects("pay_purchase_order").await, 1);
}

async fn a_purchase_order_is_nobody_elses(records: Records) {
    let shop = Shop::open(records);
    let make = |account: &str| {
        let order = json!({"code": "c", "sku": "book"});
        shop.orders.post("/purchase-orders").as_account(account).json(&order).send()
    };
    assert_eq!(make("alice").await.status, 201);
    assert_eq!(make("bob").await.status, 409);
    let step = |account: &str, code: &str, step: &str| {
        shop.orders.post(&format!("/purchase-orders/{code}/{step}")).as_account(account).send()
    };
    for paid in [false, true] {
        for name in ["pay", "complete", "cancel"] {
            let (held, missing) = (step("bob", "c", name).await, step("bob", "d", name).await);
            held.is_problem(404, "row-missing");
            missing.is_problem(404, "row-missing");
            assert_eq!(held.json()["detail"], missing.json()["detail"]);
            assert_eq!(held.header("ETag"), None);
        }
        if !paid {
            assert_eq!(step("alice", "c", "pay").await.status, 200);
        }
    }
    let shown = shop.orders.get("/purchase-orders/c");
    assert_eq!(shown.as_account("bob").send().await.status, 404);
    assert_eq!(shop.effects("pay_purchase_order").await, 1);
}
