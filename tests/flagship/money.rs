//! Invariant S4: transfers whose effect and record commit together, while clients repeat themselves and
//! the server is killed under them.

use crate::{Records, Shop};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::{Reply, eventually};
use tokio::sync::RwLock;

on! { memory business_in_postgres business_in_mariadb: [
    a_transfer_happens_once_and_its_refusal_is_remembered,
    a_withdrawal_never_goes_below_zero,
    two_names_are_two_accounts,
] }

mod killed {
    use super::no_money_is_made_or_lost_by_repetitions_and_kills;

    on! { memory business_in_own_postgres business_in_own_mariadb: [
        no_money_is_made_or_lost_by_repetitions_and_kills,
    ] }
}

const ACCOUNTS: usize = 20;
const START: i64 = 1_000;
const TRANSFERS: usize = 2_000;
const AT_ONCE: usize = 16;

/// Each time after this number of answers a server is killed: the shop, then its business database.
const KILL_AFTER: usize = 250;

async fn balance(shop: &Shop, id: &str) -> i64 {
    let account = shop.orders.get(&format!("/accounts/{id}")).send().await;
    account.json()["balance"].as_i64().expect("a balance")
}

async fn deposit(shop: &Shop, id: &str, amount: i64) {
    let paid =
        shop.orders.post(&format!("/accounts/{id}/deposit")).json(&json!({"amount": amount}));
    assert_eq!(paid.send().await.status, 200);
}

/// Compared byte for byte, and not by the database's collation.
async fn two_names_are_two_accounts(records: Records) {
    let shop = Shop::open(records);
    for (id, amount) in [("a", 1), ("a%20", 2), ("A", 3), ("%C3%A4", 4), ("a%CC%88", 5)] {
        deposit(&shop, id, amount).await;
        assert_eq!(balance(&shop, id).await, amount, "{id}");
    }
}

async fn a_transfer_happens_once_and_its_refusal_is_remembered(records: Records) {
    let shop = Shop::open(records);
    deposit(&shop, "a", 100).await;
    let transfer =
        |key: &str, body: Value| shop.orders.post("/accounts/a/transfer").key(key).json(&body);
    let sixty = json!({"to": "b", "amount": 60});
    let first = transfer("k", sixty.clone()).send().await;
    assert_eq!((first.status, first.json()["balance"].as_i64()), (201, Some(40)));
    let again = transfer("k", sixty.clone()).send().await;
    assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &first.body));
    transfer("k", json!({"to": "b", "amount": 1})).send().await.is_problem(422, "key-reused");

    let refused = transfer("l", sixty.clone()).send().await;
    assert_eq!((refused.status, refused.is_replay()), (409, false));
    deposit(&shop, "a", 100).await;
    let again = transfer("l", sixty.clone()).send().await;
    assert_eq!((again.status, again.is_replay(), &again.body), (409, true, &refused.body));

    let mut failing = sixty;
    failing["simulate"] = json!({"status": 503});
    assert_eq!(transfer("m", failing.clone()).send().await.status, 503);
    assert_eq!(transfer("m", failing).send().await.status, 503);
    assert_eq!((balance(&shop, "a").await, balance(&shop, "b").await), (140, 60));
    assert_eq!(shop.effects("transfer").await, 1);
}

async fn a_withdrawal_never_goes_below_zero(records: Records) {
    let shop = Shop::open(records);
    deposit(&shop, "a", 100).await;
    let withdraw = || shop.orders.post("/accounts/a/withdraw").json(&json!({"amount": 30})).send();
    let replies = join_all((0..20).map(|_| withdraw())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 3);
    assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 17);
    assert_eq!(balance(&shop, "a").await, 10);
    let nobody = shop.orders.post("/accounts/nobody/withdraw").json(&json!({"amount": 1}));
    nobody.send().await.is_problem(404, "row-missing");
}

/// Sends one transfer until it gets a final answer, and returns that.
async fn insist(shop: &RwLock<Shop>, number: usize) -> Reply {
    let (from, to) = (number % ACCOUNTS, (number * 7 + 3) % ACCOUNTS);
    let body = json!({"to": format!("n{to}"), "amount": number % 50 + 1});
    eventually("an answer", async || {
        let send = {
            let shop = shop.read().await;
            shop.orders
                .post(&format!("/accounts/n{from}/transfer"))
                .key(&format!("transfer-{number}"))
                .json(&body)
                .try_send()
        };
        // After a broken connection, a busy server or a database that is down, nobody knows whether the
        // transfer happened, so the same request is sent again.
        let reply = send.await.ok()?;
        let refused = |reply: &Reply| reply.json()["type"] == "about:blank";
        (reply.status == 201 || reply.status == 409 && refused(&reply)).then_some(reply)
    })
    .await
}

async fn no_money_is_made_or_lost_by_repetitions_and_kills(records: Records) {
    let shop = Shop::open(records);
    for account in 0..ACCOUNTS {
        deposit(&shop, &format!("n{account}"), START).await;
    }
    let (shop, answered) = (RwLock::new(shop), AtomicUsize::new(0));
    let transfer = async |number: usize| {
        // Every third client sends the same twice at once, as a double click does.
        let twice = if number.is_multiple_of(3) { 2 } else { 1 };
        let replies = join_all((0..twice).map(|_| insist(&shop, number))).await;
        let answered = answered.fetch_add(1, Ordering::SeqCst) + 1;
        // Other transfers are under way at this moment.
        if answered.is_multiple_of(2 * KILL_AFTER) {
            let records = shop.read().await.records.clone();
            records.kill_business().await;
        } else if answered.is_multiple_of(KILL_AFTER) {
            shop.write().await.orders.restart();
        }
        replies
    };
    let replies: Vec<Vec<Reply>> =
        stream::iter(0..TRANSFERS).map(transfer).buffer_unordered(AT_ONCE).collect().await;
    let mut accepted = 0;
    for replies in replies {
        let same = |reply: &Reply| (reply.status, reply.body.clone());
        assert!(replies.iter().all(|reply| same(reply) == same(&replies[0])), "{replies:?}");
        assert!(matches!(replies[0].status, 201 | 409), "{:?}", replies[0]);
        accepted += usize::from(replies[0].status == 201);
    }
    let shop = shop.read().await;
    let mut sum = 0;
    for account in 0..ACCOUNTS {
        sum += balance(&shop, &format!("n{account}")).await;
    }
    assert_eq!(sum, START * i64::try_from(ACCOUNTS).expect("few"));
    assert!(accepted > TRANSFERS / 2, "{accepted}");
    let happened = shop.effects("transfer").await;
    assert_eq!(usize::try_from(happened).expect("a count"), accepted);
}
