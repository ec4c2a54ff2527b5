//! `GET /order/getToken` and `POST /order/create`: one token, one order.

use crate::{Records, Shop, shop};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::Sender;

on! { memory sqlite redis: [
    an_account_gets_a_new_token_each_time,
    without_a_secret_there_is_no_token,
    a_token_buys_one_order,
    of_thirty_with_one_token_one_buys,
    tokens_that_are_not_valid_look_all_alike,
    without_a_token_nothing_is_bought,
    a_token_whose_order_failed_can_be_used_again,
] }

async fn an_account_gets_a_new_token_each_time(records: Records) {
    let shop = Shop::open(records);
    let reply = shop.ask_for_token("alice").send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("Content-Type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    assert!(!reply.body.is_empty() && reply.body.iter().all(u8::is_ascii_graphic), "{reply:?}");
    assert_ne!(reply.body, shop.token("alice").await);
}

async fn without_a_secret_there_is_no_token(records: Records) {
    let shop = Shop::open(records);
    let url = format!("{}/order/getToken", shop.orders.url());
    let nobody = Sender::anonymous(Method::GET, url).send().await;
    assert_eq!((nobody.status, shop.ask_for_token("").send().await.status), (401, 401));
}

async fn a_token_buys_one_order(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    let bought = shop.buy("alice", &token).send().await;
    let [order] = &shop.list().await[..] else { panic!("one order") };
    let expected = json!({"success": true, "msg": "Success", "orderId": order["id"]});
    assert_eq!((bought.status, bought.json()), (200, expected));

    let again = shop.buy("alice", &token).send().await;
    again.is_problem(409, "duplicate");
    assert_eq!(again.json()["detail"], "重复的请求 (duplicate request)");
    assert_eq!((shop.effects("createOrder").await, shop.list().await.len()), (1, 1));
}

async fn of_thirty_with_one_token_one_buys(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    let replies = join_all((0..30).map(|_| shop.buy("alice", &token).send())).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(200), count(409)), (1, 29));
    assert_eq!((shop.effects("createOrder").await, shop.list().await.len()), (1, 1));
}

async fn tokens_that_are_not_valid_look_all_alike(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    let foreign = shop.buy("bob", &token).send().await;
    foreign.is_problem(412, "token-invalid");
    for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "no-ulid-at-all"] {
        let refused = shop.buy("alice", unknown).send().await;
        assert_eq!((refused.status, &refused.body), (412, &foreign.body));
    }
    assert_eq!(shop.effects("createOrder").await, 0);
    assert_eq!(shop.buy("alice", &token).send().await.status, 200, "bob did not spend it");
}

async fn without_a_token_nothing_is_bought(records: Records) {
    let shop = Shop::open(records);
    let order = shop.orders.post("/order/create").json(&shop::book());
    order.send().await.is_problem(400, "key-missing");
    assert_eq!(shop.effects("createOrder").await, 0);
}

async fn a_token_whose_order_failed_can_be_used_again(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    let failing = shop::suffering(&json!({"status": 503}));
    assert_eq!(shop.buy("alice", &token).json(&failing).send().await.status, 503);
    assert_eq!(shop.buy("alice", &token).send().await.status, 200);
    shop.buy("alice", &token).send().await.is_problem(409, "duplicate");
    assert_eq!((shop.effects("createOrder").await, shop.list().await.len()), (2, 1));
}
