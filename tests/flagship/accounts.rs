//! Orders of accounts, and revoked credentials: the credential is checked before everything else.

use crate::shop::{assert_replays, book};
use crate::{Records, Shop};
use reqwest::Method;
use serde_json::json;
use tests::Sender;

on! { memory sqlite redis business_in_postgres business_in_mariadb: [
    an_account_sees_its_own_orders_only,
    two_accounts_do_not_share_a_key,
    who_has_no_credential_is_refused_everywhere,
    who_was_revoked_gets_no_replay,
    who_is_refused_claims_nothing,
] }

async fn an_account_sees_its_own_orders_only(records: Records) {
    let shop = Shop::open(records);
    let first = shop.order("k").send().await;
    let path = first.header("Location").expect("an address").to_owned();
    let bob = |path: &str| shop.orders.get(path).as_account("bob").send();

    assert_eq!(shop.list().await, [first.json()]);
    assert_eq!(bob("/orders").await.json(), json!([]));
    assert_eq!(shop.orders.get(&path).send().await.json(), first.json());
    let foreign = bob(&path).await;
    let missing = bob("/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(foreign.body, missing.body, "nothing tells them apart");
}

async fn two_accounts_do_not_share_a_key(records: Records) {
    let shop = Shop::open(records);
    let alice = shop.order("k").send().await;
    let bob = shop.order("k").as_account("bob").send().await;
    assert_eq!((alice.status, bob.status, bob.is_replay()), (201, 201, false));
    assert_eq!(bob.json()["account"], "bob");
    assert_eq!(shop.effects("create_order").await, 2);
}

async fn who_has_no_credential_is_refused_everywhere(records: Records) {
    let shop = Shop::open(records);
    for (method, path) in [
        (Method::POST, "/orders"),
        (Method::POST, "/orders/wait"),
        (Method::GET, "/orders"),
        (Method::GET, "/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        (Method::POST, "/order/create"),
        (Method::GET, "/order/getToken"),
    ] {
        let request = || {
            let url = format!("{}{path}", shop.orders.url());
            Sender::anonymous(method.clone(), url).key("k").header("token", "t").json(&book())
        };
        let refused = [
            request().send().await,
            request().only("authorization", "Bearer ").send().await,
            request().only("authorization", "Basic alice").send().await,
        ];
        assert_eq!(refused.map(|reply| reply.status), [401; 3], "{method} {path}");
    }
    let orders = shop.effects("create_order").await + shop.effects("create_order_or_wait").await;
    assert_eq!(orders + shop.effects("createOrder").await, 0);
}

async fn who_was_revoked_gets_no_replay(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    let first = shop.order("k").send().await;
    assert_replays(&first, &shop.order("k").send().await);
    revoke(&shop, "alice").await;

    let refused = shop.order("k").send().await;
    assert_eq!((refused.status, refused.is_replay()), (401, false));
    assert_ne!(refused.body, first.body);
    assert_eq!(shop.orders.get("/orders").send().await.status, 401);
    assert_eq!(shop.ask_for_token("alice").send().await.status, 401);
    assert_eq!(shop.buy("alice", &token).send().await.status, 401);
    assert_eq!(shop.order("k").as_account("bob").send().await.status, 201, "bob is as before");
    assert_eq!(shop.effects("create_order").await, 2);
}

async fn who_is_refused_claims_nothing(records: Records) {
    let shop = Shop::open(records);
    let token = shop.token("alice").await;
    revoke(&shop, "alice").await;
    assert_eq!(shop.order("k").send().await.status, 401);
    assert_eq!(shop.buy("alice", &token).send().await.status, 401);
    reinstate(&shop, "alice").await;

    // If the refused request had claimed the key, this body would get 422.
    let other = json!({"sku": "pen", "quantity": 1});
    let first = shop.order("k").json(&other).send().await;
    assert_eq!((first.status, first.is_replay()), (201, false));
    assert_eq!(shop.buy("alice", &token).json(&other).send().await.status, 200);
}

async fn revoke(shop: &Shop, account: &str) {
    let path = format!("/admin/revoke/{account}");
    assert!(shop.orders.post(&path).send().await.status < 300);
}

/// Changes the database directly: there is no route for it.
async fn reinstate(shop: &Shop, account: &str) {
    shop.business(&format!("DELETE FROM revoked WHERE account = '{account}'")).await;
}
