//! A master dies, and sentinels make its replica the master. Invariants S8, L5.

use crate::{assert_ran, assert_replays, guard, routes};
use idempotent_runtime::RedisStore;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{PageRequest, Store};
use std::collections::HashSet;
use std::time::Duration;
use tests::{ControlledHandler, RedisServer, Sentinels, Server, eventually};

/// Waits until the replica has all that its master has.
async fn until_alike(master: &RedisServer, replica: &RedisServer) {
    let all = |server: &RedisServer| {
        let mut names: Vec<String> = server.command(&["KEYS", "*"]);
        names.sort_unstable();
        let value = |name: &String| server.command::<Vec<u8>>(&["GET", name.as_str()]);
        names.iter().map(|name| (name.clone(), value(name))).collect::<Vec<_>>()
    };
    eventually("they are alike", async || (all(master) == all(replica)).then_some(())).await;
}

/// Whether a server is the master; `None` while it closes its connections to change its role.
fn is_master(server: &RedisServer) -> Option<bool> {
    let replication: String = server.try_command(&["INFO", "replication"]).ok()?;
    Some(replication.contains("role:master"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_in_mid_run_is_replaced_without_a_restart() {
    let mut servers = Sentinels::start().await;
    let (idempotency, handler) = (guard(&servers.url()).await, ControlledHandler::new());
    let app = Server::start(&idempotency, &handler, routes);
    let order = async |key: &str| app.post("/orders").key(key).send().await;
    assert_ran(&order("done").await, None);
    handler.pause();
    let running = tokio::spawn(app.post("/orders").key("running").send());
    handler.runs_reach(2).await;
    until_alike(&servers.first, &servers.second).await;

    servers.first.kill();
    order("new").await.is_problem(503, "store-unavailable");
    let again = eventually("the replica is the master", async || {
        let reply = order("done").await;
        if reply.status == 201 {
            return Some(reply);
        }
        reply.is_problem(503, "store-unavailable");
        None
    })
    .await;
    assert_replays(&again, "run 1");
    assert_eq!(is_master(&servers.second), Some(true));
    order("running").await.is_problem(409, "in-progress");
    handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&order("running").await, "run 2");

    for n in 0..8 {
        assert_ran(&order(&format!("after-{n}")).await, None);
    }
    assert_eq!((handler.runs(), idempotency.counts().lost), (10, 0));
}

/// The old master goes on as a replica. Its connections must not be used any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_becomes_a_replica_in_mid_run_is_left() {
    let servers = Sentinels::start().await;
    let (idempotency, handler) = (guard(&servers.url()).await, ControlledHandler::new());
    let app = Server::start(&idempotency, &handler, routes);
    let order = async |key: &str| app.post("/orders").key(key).send().await;
    handler.pause();
    let running = tokio::spawn(app.post("/orders").key("k").send());
    handler.runs_reach(1).await;
    until_alike(&servers.first, &servers.second).await;

    servers.fail_over();
    let changed = || [&servers.first, &servers.second].map(is_master) == [Some(false), Some(true)];
    eventually("they change places", async || changed().then_some(())).await;
    handler.resume();
    assert_ran(&running.await.expect("no panic"), None);
    assert_replays(&order("k").await, "run 1");
    for n in 0..8 {
        assert_ran(&order(&format!("after-{n}")).await, None);
    }
    assert_eq!((handler.runs(), idempotency.counts().lost), (9, 0));
}

/// A cursor of the old master has no meaning on the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_begins_again_at_another_master() {
    let servers = Sentinels::start().await;
    let store = RedisStore::connect(&servers.url()).await.expect("it connects");
    let keys: HashSet<_> = (0..200).map(|n| StorageKey::from_bytes([n; 32])).collect();
    for key in &keys {
        assert_eq!(store.create(key, &"v".into(), Duration::from_hours(1)).await.unwrap(), None);
    }
    let page = store.browse(&PageRequest::first(50)).expect("it lists").await.unwrap();
    assert!((50..150).contains(&page.entries.len()), "{}", page.entries.len());
    until_alike(&servers.first, &servers.second).await;
    servers.fail_over();
    let changed = || [&servers.first, &servers.second].map(is_master) == [Some(false), Some(true)];
    eventually("they change places", async || changed().then_some(())).await;
    let (mut request, mut seen) = (PageRequest::first(50).after(page.next), HashSet::new());
    loop {
        let again = async || store.browse(&request).expect("it lists").await.ok();
        let page = eventually("it lists", again).await;
        seen.extend(page.entries.into_iter().map(|(key, _)| key));
        let Some(next) = page.next else { break };
        request = request.after(next);
    }
    assert_eq!(seen, keys, "those of the first page as well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_is_gone_holds_nobody_up_and_an_unknown_master_is_told() {
    let mut servers = Sentinels::start().await;
    servers.kill_one();
    let store = RedisStore::connect(&servers.url()).await.expect("the others know");
    let described = store.describe();
    assert!(described.contains("the master `main`"), "{described}");
    let unknown = RedisStore::connect(&servers.url_of("other")).await;
    assert!(unknown.is_err(), "{unknown:?}");
}
