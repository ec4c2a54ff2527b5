//! SIGKILL, and the state that the next process finds.

use crate::shop::assert_replays;
use crate::{Records, Shop};
use serde_json::json;
use tests::{Reply, eventually};

on! { sqlite redis postgres mariadb: [
    a_run_that_died_excludes_others_for_its_lease_and_then_runs_again,
    who_waits_for_a_run_that_died_runs_it_after_the_lease,
    an_order_answered_before_the_kill_is_replayed_after_it,
    a_token_outlives_its_issuer,
] }

async fn a_run_that_died_excludes_others_for_its_lease_and_then_runs_again(records: Records) {
    let mut shop = Shop::with(records, &["--lease", "5s"]);
    let slow = json!({"delay_ms": 1500});
    let first = tokio::spawn(shop.suffer("k", &slow).try_send());
    shop.effects_reach("create_order", 1).await;
    shop.orders.kill();
    assert!(first.await.expect("no panic").is_err(), "the kill came before the answer");
    shop.orders.restart();

    let retry = shop.suffer("k", &slow).send().await;
    retry.is_problem(409, "in-progress");
    let seconds: u64 = retry.header("Retry-After").expect("a hint").parse().expect("seconds");
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 0));

    let ran = eventually("the lease is over", async || {
        let retry: Reply = shop.suffer("k", &slow).send().await;
        (retry.status != 409).then_some(retry)
    })
    .await;
    assert_eq!((ran.status, ran.is_replay()), (201, false));
    assert_replays(&ran, &shop.suffer("k", &slow).send().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (2, 1));
}

async fn who_waits_for_a_run_that_died_runs_it_after_the_lease(records: Records) {
    let mut shop = Shop::with(records, &["--lease", "2s"]);
    let slow = json!({"delay_ms": 1000});
    let first = tokio::spawn(shop.order_or_wait("k", &slow).try_send());
    shop.effects_reach("create_order_or_wait", 1).await;
    shop.orders.kill();
    assert!(first.await.expect("no panic").is_err(), "the kill came before the answer");
    shop.orders.restart();

    let [one, two] = [(); 2].map(|()| shop.order_or_wait("k", &slow).send());
    let (one, two) = tokio::join!(one, two);
    let (ran, again) = if one.is_replay() { (two, one) } else { (one, two) };
    assert_eq!(ran.status, 201);
    assert_replays(&ran, &again);
    assert_eq!((shop.effects("create_order_or_wait").await, shop.list().await.len()), (2, 1));
}

async fn an_order_answered_before_the_kill_is_replayed_after_it(records: Records) {
    let mut shop = Shop::open(records);
    let first = shop.order("k").send().await;
    shop.orders.kill();
    assert_eq!(first.status, 201);
    shop.orders.restart();
    assert_replays(&first, &shop.order("k").send().await);
    assert_eq!((shop.effects("create_order").await, shop.list().await.len()), (1, 1));
}

async fn a_token_outlives_its_issuer(records: Records) {
    let mut shop = Shop::open(records);
    let [used, unused] = [shop.token("alice").await, shop.token("alice").await];
    assert_eq!(shop.buy("alice", &used).send().await.status, 200);
    shop.orders.kill();
    shop.orders.restart();
    shop.buy("alice", &used).send().await.is_problem(409, "duplicate");
    assert_eq!(shop.buy("alice", &unused).send().await.status, 200);
}
