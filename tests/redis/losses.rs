//! S17: a server loses all data while runs are under way.

use crate::Shop;
use std::time::Duration;
use tests::{Log, RedisServer, Reply, eventually};
use tokio::task::JoinHandle;

/// Waits until the owner has put its record again by itself.
async fn put_again(shop: &Shop) {
    eventually("the record is put again", async || (shop.names().len() == 1).then_some(())).await;
}

/// Lets an order end, whose outcome must be stored.
async fn ends_once(shop: &Shop, running: JoinHandle<Reply>) {
    shop.handler.resume();
    let first = running.await.unwrap();
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    let retry = shop.order("k").await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_puts_the_record_of_its_run_again() {
    let shop = Shop::open().await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/lasting").key("k").send());
    shop.handler.runs_reach(1).await;
    let () = shop.redis.command(&["FLUSHALL"]);
    put_again(&shop).await;
    shop.post("/lasting").key("k").send().await.is_problem(409, "in-progress");
    shop.handler.resume();
    let first = running.await.unwrap();
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    let retry = shop.post("/lasting").key("k").send().await;
    assert_eq!((retry.is_replay(), &retry.body, shop.handler.runs()), (true, &first.body, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_is_stored_where_nothing_is_left() {
    let shop = Shop::open().await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    let () = shop.redis.command(&["FLUSHALL"]);
    ends_once(&shop, running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_without_its_data_in_mid_handler_costs_no_second_effect() {
    let mut shop = Shop::on(RedisServer::start()).await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    shop.redis.kill();
    shop.redis.restart();
    ends_once(&shop, running).await;
}

/// The remaining case: a retry comes between the loss and the next renewal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_first_after_the_loss_has_the_key_and_the_log_says_so() {
    let (log, shop) = (Log::listen(), Shop::open().await);
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("first-comes").send());
    shop.handler.runs_reach(1).await;
    let () = shop.redis.command(&["FLUSHALL"]);
    let second = tokio::spawn(shop.post("/orders").key("first-comes").send());
    shop.handler.runs_reach(2).await;
    shop.handler.resume();
    let (first, second) = (running.await.unwrap(), second.await.unwrap());
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, Some("false")));
    assert_eq!((second.status, second.header("Idempotency-Stored")), (201, None));
    assert_eq!(shop.order("first-comes").await.body, second.body);
    assert_eq!(shop.idempotency.counts().lost, 1);
    let lines = log.lines("a run ended after it had lost its key");
    // The other run may have ended before.
    let reasons = ["another owner has its key", "the end of another run is under its key"];
    assert!(reasons.iter().any(|why| lines.iter().any(|line| line.contains(why))), "{lines:?}");
}

/// Somebody may have forgotten the answer on purpose.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_a_cache_is_not_kept_where_nothing_is_left() {
    let shop = Shop::open().await;
    shop.handler.pause();
    let url = format!("http://{}/thing", shop.app.address());
    let reading = tokio::spawn(tests::Sender::new(reqwest::Method::GET, url.clone()).send());
    shop.handler.runs_reach(1).await;
    let () = shop.redis.command(&["FLUSHALL"]);
    shop.handler.resume();
    assert_eq!(reading.await.unwrap().body, "run 1");
    assert_eq!(shop.names(), [""; 0]);
    assert_eq!(tests::Sender::new(reqwest::Method::GET, url).send().await.body, "run 2");
}

/// A lock is not put again: others may hold it by now, with a fence that is larger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_the_server_forgot_is_lost_and_its_next_fence_is_larger() {
    let shop = Shop::open().await;
    let lease = Duration::from_millis(300);
    let first = shop.idempotency.lock("door").lease(lease).acquire().await.unwrap();
    let () = shop.redis.command(&["FLUSHALL"]);
    eventually("it is known to be lost", async || (!first.is_certain()).then_some(())).await;
    assert_eq!(shop.names(), [""; 0]);
    let fence = first.attempt();
    first.release().await;
    assert_eq!(shop.names(), [""; 0], "it gives back what it does not have");
    let second = shop.idempotency.lock("door").acquire().await.unwrap();
    assert!(second.is_certain() && second.attempt() > fence);
    second.release().await;
}
