//! S17: a server refuses, for any reason, while a run ends.

use crate::Shop;
use actix_web::HttpResponse;
use std::time::{Duration, Instant};
use tests::{RedisRefusal, RedisServer, eventually};

/// The engine's patience with its store, two seconds, and something for a busy host; far below the lease.
const BOUND: Duration = Duration::from_secs(12);

/// The client does not wait for the store, and the effect does not happen again.
async fn costs_no_second_effect(refusing: RedisRefusal) {
    let shop = Shop::open().await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    refusing.begin(&shop.redis);
    let began = Instant::now();
    shop.handler.resume();
    let first = running.await.unwrap();
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    assert_eq!((first.status, &first.body[..]), (201, &b"run 1"[..]));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    refusing.end(&shop.redis);
    eventually("it is stored after all", async || {
        (shop.idempotency.counts().stored_late == 1).then_some(())
    })
    .await;
    let retry = shop.order("k").await;
    assert_eq!((retry.is_replay(), &retry.body[..], shop.handler.runs()), (true, &b"run 1"[..], 1));
    let counts = shop.idempotency.counts();
    assert_eq!((counts.not_stored, counts.lost), (1, 0));
}

macro_rules! a_refusal_at_the_end_of_a_run {
    ($($name:ident $refusing:ident,)*) => {
        mod a_refusal_at_the_end_of_a_run {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::costs_no_second_effect(tests::RedisRefusal::$refusing).await;
                }
            )*
        }
    };
}

a_refusal_at_the_end_of_a_run! {
    for_want_of_memory OutOfMemory,
    because_of_a_script Busy,
    for_want_of_a_password LoggedOut,
    for_want_of_a_permission NotPermitted,
    by_a_replica Replica,
    for_want_of_replicas TooFewReplicas,
    for_want_of_room_on_the_disk Unsaved,
}

/// If the refusal is shorter than the store's patience, the client only waits a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_want_of_memory_at_the_end_of_a_run_costs_nothing() {
    let shop = Shop::open().await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    RedisRefusal::OutOfMemory.begin(&shop.redis);
    shop.handler.resume();
    eventually("the outcome is refused", async || {
        let errors: String = shop.redis.command(&["INFO", "errorstats"]);
        errors.contains("errorstat_OOM").then_some(())
    })
    .await;
    RedisRefusal::OutOfMemory.end(&shop.redis);
    let first = running.await.unwrap();
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    let retry = shop.order("k").await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
}

/// S12, with a server's limit below the app's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_is_too_large_for_the_server_leaves_a_tombstone_at_once() {
    let shop = Shop::open().await;
    let () = shop.redis.command(&["CONFIG", "SET", "proto-max-bulk-len", "1mb"]);
    let body = vec![b'a'; 3 << 19];
    shop.handler.answers(move |_| HttpResponse::Created().body(body.clone()));
    let first = shop.order("k").await;
    assert_eq!((first.status, first.body.len()), (201, 3 << 19));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    eventually("the fact is stored", async || {
        let retry = shop.order("k").await;
        (retry.problem() == "not-replayable").then_some(())
    })
    .await;
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().not_stored), (1, 1));
}

/// A claim of a finished record writes nothing, but the server refuses its command, which could write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_finished_is_replayed_by_a_server_that_refuses_to_write() {
    for server in [RedisServer::start, RedisServer::start_valkey] {
        for refusing in
            [RedisRefusal::OutOfMemory, RedisRefusal::Replica, RedisRefusal::TooFewReplicas]
        {
            let shop = Shop::on(server()).await;
            let finished = shop.order("finished").await;
            let token = shop.token().await;
            let buy = || shop.post("/token").header("token", &token).send();
            assert_eq!((finished.status, buy().await.status), (201, 201));
            shop.handler.pause();
            let running = tokio::spawn(shop.post("/orders").key("running").send());
            shop.handler.runs_reach(3).await;
            refusing.begin(&shop.redis);
            let replay = shop.order("finished").await;
            assert_eq!((replay.is_replay(), &replay.body), (true, &finished.body), "{refusing:?}");
            buy().await.is_problem(409, "duplicate");
            for key in ["new", "running"] {
                shop.order(key).await.is_problem(503, "store-unavailable");
            }
            assert_eq!(shop.handler.runs(), 3, "{refusing:?}");
            refusing.end(&shop.redis);
            shop.handler.resume();
            assert_eq!(running.await.unwrap().status, 201);
        }
    }
}
