//! The cost of requests, by the server's own statistics.
//!
//! `INFO commandstats` counts a script's commands, too, and not only those of clients. The store's script calls
//! `GET` and, if it exchanges, `SET`. No exchange fails here, so one `GET` and one `SET` are subtracted for each
//! `EVALSHA`. Servers that know `SET … IFEQ` run no script.

use crate::Shop;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tests::RedisServer;

/// Commands that set up a connection, and commands of the tests. All others count.
const SETTING_UP: [&str; 9] = [
    "auth",
    "client|setinfo",
    "client|setname",
    "config|resetstat",
    "hello",
    "info",
    "ping",
    "script|load",
    "select",
];

/// The commands that clients sent while this future ran, and their number.
async fn cost<T>(shop: &Shop, work: impl Future<Output = T>) -> (u64, String, T) {
    let () = shop.redis.command(&["CONFIG", "RESETSTAT"]);
    let done = work.await;
    let stats: String = shop.redis.command(&["INFO", "commandstats"]);
    let mut calls: BTreeMap<&str, u64> = stats.lines().filter_map(row).collect();
    calls.retain(|name, _| !SETTING_UP.contains(name));
    let scripts = calls.get("evalsha").copied().unwrap_or_default();
    for name in ["get", "set"] {
        let called = calls.entry(name).or_default();
        *called = called.checked_sub(scripts).expect("the script calls each");
    }
    let mut shown = String::new();
    for (name, many) in calls.iter().filter(|(_, many)| **many > 0) {
        write!(shown, "{many} {name}, ").expect("a string");
    }
    (calls.values().sum(), shown, done)
}

/// `cmdstat_set:calls=3,usec=…`
fn row(line: &str) -> Option<(&str, u64)> {
    let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(':')?;
    let calls = numbers.strip_prefix("calls=")?.split(',').next()?;
    Some((name, calls.parse().expect("a number")))
}

/// A shop whose store knows which commands the server has, and whose script is loaded.
async fn warm() -> Shop {
    let shop = Shop::open().await;
    shop.order("warm").await;
    shop
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_request_costs_two_commands() {
    let shop = warm().await;
    for n in 0..10 {
        let (sent, shown, reply) = cost(&shop, shop.order(&format!("k{n}"))).await;
        assert_eq!(reply.status, 201);
        assert!((1..=2).contains(&sent), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_costs_one_command() {
    let shop = warm().await;
    for _ in 0..10 {
        let (sent, shown, reply) = cost(&shop, shop.order("warm")).await;
        assert!(reply.is_replay());
        assert_eq!(sent, 1, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_remembered_costs_no_command() {
    let shop = Shop::with(RedisServer::start(), |builder| builder.remember(1 << 20)).await;
    shop.order("warm").await;
    for _ in 0..10 {
        let (sent, shown, reply) = cost(&shop, shop.order("warm")).await;
        assert!(reply.is_replay());
        assert_eq!(sent, 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mismatch_costs_one_command() {
    let shop = warm().await;
    let other = shop.post("/orders").key("warm").body("another").send();
    let (sent, shown, reply) = cost(&shop, other).await;
    reply.is_problem(422, "key-reused");
    assert_eq!(sent, 1, "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_key_is_given_back_costs_two_commands() {
    let shop = warm().await;
    shop.handler.answers(|_| actix_web::HttpResponse::ServiceUnavailable().finish());
    let (sent, shown, reply) = cost(&shop, shop.order("k")).await;
    assert_eq!(reply.status, 503);
    assert!((1..=2).contains(&sent), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_costs_one_command_to_issue_and_two_to_use() {
    let shop = warm().await;
    let (issued, shown, token) = cost(&shop, shop.token()).await;
    assert_eq!(issued, 1, "{shown}");
    let using = || shop.post("/token").header("token", &token).send();
    let (used, shown, reply) = cost(&shop, using()).await;
    assert_eq!(reply.status, 201);
    assert!((1..=2).contains(&used), "{shown}");
}

/// A value and its age come in one transaction, and so in one round trip.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_kept_costs_one_round_trip_and_writes_nothing() {
    let shop = warm().await;
    let read = || shop.app.send(reqwest::Method::GET, "/thing").send();
    assert_eq!(read().await.status, 201);
    for _ in 0..10 {
        let (_, shown, reply) = cost(&shop, read()).await;
        assert!(reply.header("Age").is_some());
        assert_eq!(shown, "1 exec, 1 get, 1 multi, 1 pttl, ");
    }
    assert_eq!(shop.handler.runs(), 2);
}

/// Valkey can, and Redis from 8.4 on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_server_can_exchange_no_script_runs() {
    let shop = Shop::on(RedisServer::start_valkey()).await;
    for n in 0..10 {
        let (_, shown, reply) = cost(&shop, shop.order(&format!("k{n}"))).await;
        assert_eq!((reply.status, shown.as_str()), (201, "2 set, "));
        let (_, shown, reply) = cost(&shop, shop.order(&format!("k{n}"))).await;
        assert!(reply.is_replay());
        assert_eq!(shown, "1 set, ");
    }
}

/// A request that is refused before its claim sends the server nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_beforehand_costs_nothing() {
    let shop = warm().await;
    let (sent, shown, reply) = cost(&shop, shop.post("/orders").send()).await;
    reply.is_problem(400, "key-missing");
    assert_eq!(sent, 0, "{shown}");
    let (sent, shown, reply) = cost(&shop, shop.post("/token").header("token", "x").send()).await;
    reply.is_problem(412, "token-invalid");
    assert_eq!(sent, 0, "{shown}");
}
