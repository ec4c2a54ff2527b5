//! Requests that wait for an owner in another process: the server tells them of changes, and one looks for all.

use crate::Shop;
use futures_util::future::join_all;
use idempotent_runtime::{Idempotency, RedisStore, Scope};
use std::time::{Duration, Instant};
use tests::{RedisServer, Server, eventually};

/// Another process: another engine, with connections of its own.
async fn beside(shop: &Shop) -> Server {
    another(shop).await.1
}

async fn another(shop: &Shop) -> (Idempotency, Server) {
    let store = RedisStore::connect(&shop.redis.url()).await.unwrap();
    let guard = Idempotency::builder(store).scope(Scope::header("Authorization")).remember(0);
    let idempotency = guard.build().unwrap();
    let server = Server::start(&idempotency, &shop.handler, crate::routes);
    (idempotency, server)
}

/// The number of calls of this command since the last reset, or of the `kind` of event.
fn times(shop: &Shop, command: &str, kind: &str) -> usize {
    let stats: String = shop.redis.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
    let numbers = line.unwrap_or_default().split(',');
    let found = numbers.filter_map(|number| number.split_once('=')).find(|(name, _)| *name == kind);
    found.map_or(0, |(_, times)| times.parse().expect("a number"))
}

/// The number of reads of records. Each read is a transaction.
fn readings(shop: &Shop) -> usize {
    times(shop, "exec", "calls")
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    eventually(what, async || reached().then_some(())).await;
}

fn reset(shop: &Shop) {
    let () = shop.redis.command(&["CONFIG", "RESETSTAT"]);
}

/// The number of connections on which the server reports changes.
fn told(shop: &Shop) -> Vec<String> {
    let clients: String = shop.redis.command(&["CLIENT", "LIST"]);
    let tracks = |client: &&str| {
        let flags = client.split(' ').find_map(|field| field.strip_prefix("flags="));
        flags.expect("flags").contains('t')
    };
    let number = |client: &str| client.split(' ').next()?.strip_prefix("id=").map(str::to_owned);
    clients.lines().filter(tracks).filter_map(number).collect()
}

/// The commands about records since the last reset, without those of this test, and without those that open a
/// connection.
fn commands(shop: &Shop) -> usize {
    let stats: String = shop.redis.command(&["INFO", "commandstats"]);
    let calls = |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<usize>().ok();
    let others = ["info", "config", "client", "hello"].map(|command| format!("cmdstat_{command}"));
    let ours = |line: &&str| !others.iter().any(|other| line.starts_with(other));
    stats.lines().filter(ours).filter_map(calls).sum()
}

/// Invariant L2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_wait_ask_as_often_as_one() {
    let many = 1000;
    let shop = Shop::open().await;
    let (idempotency, elsewhere) = another(&shop).await;
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting-wait").key("k").send());
    shop.handler.runs_reach(1).await;
    reset(&shop);
    let began = Instant::now();
    let waiting: Vec<_> =
        (0..many).map(|_| tokio::spawn(elsewhere.post("/lasting-wait").key("k").send())).collect();
    until("all wait", || idempotency.under_way() == many).await;
    // The claim, its read and the watch are a few commands. Once a second one request reads (four commands) and
    // watches again.
    let looks = 5 * (1 + usize::try_from(began.elapsed().as_secs()).expect("a few"));
    let sent = commands(&shop);
    assert!(sent <= 20 + looks, "{sent} commands");
    reset(&shop);
    let looks = 4;
    until("the lookout looks", || readings(&shop) >= looks).await;
    assert!(readings(&shop) < 2 * looks, "{} readings", readings(&shop));
    reset(&shop);
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    for reply in join_all(waiting).await {
        assert!(reply.unwrap().is_replay());
    }
    // The run ends, and one request that was woken asks for all.
    let sent = commands(&shop);
    assert!(sent <= 20, "{sent} commands");
    assert!(times(&shop, "set", "calls") <= 4, "{} claims", times(&shop, "set", "calls"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_at_once() {
    let (shop, rounds) = (Shop::open().await, 12);
    let elsewhere = beside(&shop).await;
    let mut woken = Duration::ZERO;
    for round in 1..=rounds {
        let key = format!("k{round}");
        shop.handler.pause();
        let first = tokio::spawn(shop.post("/lasting-wait").key(&key).send());
        shop.handler.runs_reach(round).await;
        reset(&shop);
        let waits = tokio::spawn(elsewhere.post("/lasting-wait").key(&key).send());
        // One read follows the claim, and one the watch.
        until("it waits", || times(&shop, "exists", "calls") == 1 && readings(&shop) >= 2).await;
        let opened = Instant::now();
        shop.handler.resume();
        assert!(waits.await.unwrap().is_replay());
        woken += opened.elapsed();
        assert_eq!(first.await.unwrap().status, 201);
    }
    // A request that is not told of the change looks after half a second at the earliest.
    assert!(woken < Duration::from_millis(250) * u32::try_from(rounds).unwrap(), "{woken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_although_the_connection_broke() {
    let shop = Shop::open().await;
    let elsewhere = beside(&shop).await;
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting-wait").key("k").send());
    shop.handler.runs_reach(1).await;
    let waits = tokio::spawn(elsewhere.post("/lasting-wait").key("k").send());
    until("it is to be told", || times(&shop, "exists", "calls") >= 1).await;
    for connection in told(&shop) {
        let () = shop.redis.command(&["CLIENT", "KILL", "ID", &connection]);
    }
    until("it is to be told again", || times(&shop, "exists", "calls") >= 2).await;
    assert_eq!(told(&shop).len(), 1);
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(waits.await.unwrap().is_replay());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_server_may_not_tell_who_waits_looks() {
    let user = ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking"];
    let shop = Shop::on(RedisServer::start_with(&user)).await;
    let elsewhere = beside(&shop).await;
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/lasting-wait").key("k").send());
    shop.handler.runs_reach(1).await;
    let waits = tokio::spawn(elsewhere.post("/lasting-wait").key("k").send());
    let refused = || times(&shop, "client|tracking", "rejected_calls");
    until("it asks to be told", || refused() >= 1).await;
    let seen = readings(&shop);
    until("it looks", || readings(&shop) >= seen + 4).await;
    assert_eq!(refused(), 1, "it is asked once");
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(waits.await.unwrap().is_replay());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_waits_nothing_is_watched() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        shop.order("k").await;
    }
    assert_eq!((told(&shop), times(&shop, "exists", "calls")), (Vec::new(), 0));
}
