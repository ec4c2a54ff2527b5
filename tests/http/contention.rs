//! A thousand requests with one key.

use crate::Shop;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use idempotent_runtime::IdempotencyBuilder;
use tests::{Backend, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store! {
    of_a_thousand_with_one_key_one_runs,
    of_a_thousand_in_one_breath_one_runs,
}

/// Invariant S1: two hundred requests at a time, five times, while the first is held and after it ended.
async fn of_a_thousand_with_one_key_one_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    for round in 0..5 {
        if round == 3 {
            shop.handler.resume();
            shop.handler.answers_reach(1).await;
        }
        let crowd = (0..200).map(|_| shop.post("/orders").key("k").send());
        for reply in join_all(crowd).await {
            assert!(is_refused(&reply) || (round >= 3 && reply.is_replay()), "{reply:?}");
        }
    }
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(shop.handler.runs(), 1);
}

fn is_refused(reply: &Reply) -> bool {
    reply.status == 409 && reply.header("Retry-After").is_some()
}

/// Ten connections that send a hundred requests each without waiting for an answer.
async fn of_a_thousand_in_one_breath_one_runs(backend: Backend) {
    let shop = Shop::open(backend);
    let one = "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
               Idempotency-Key: k\r\nContent-Length: 0\r\n";
    let breath = format!("{}{one}Connection: close\r\n\r\n", format!("{one}\r\n").repeat(99));
    let answers = join_all((0..10).map(async |_| {
        let mut line = TcpStream::connect(shop.server.address()).await.unwrap();
        line.write_all(breath.as_bytes()).await.unwrap();
        let mut answers = String::new();
        line.read_to_string(&mut answers).await.unwrap();
        answers
    }))
    .await
    .concat();
    let count = |text| answers.matches(text).count();
    let (made, busy) = (count("HTTP/1.1 201 "), count("HTTP/1.1 409 "));
    assert_eq!((made + busy, count("HTTP/1.1 ")), (1000, 1000));
    assert_eq!((made - count("idempotency-replayed: true"), shop.handler.runs()), (1, 1));
}

/// The number of requests of one process that may wait for one key in this test.
const SEATS: usize = 100;

/// Invariant L2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_as_many_waiting_as_may_is_told_to_come_back_and_does_not_wait() {
    let seats = |builder: IdempotencyBuilder| builder.waiters_for_one_key(SEATS);
    let (shop, beyond) = (Shop::with(Backend::memory().await, seats), 6);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(1).await;
    let crowd = (0..SEATS + beyond).map(|_| tokio::spawn(shop.post("/waiting").key("k").send()));
    let mut crowd: FuturesUnordered<_> = crowd.collect();
    // While the first request runs, no other one is answered.
    for _ in 0..beyond {
        let refused = crowd.next().await.expect("some are left").unwrap();
        refused.is_problem(409, "in-progress");
        assert!(refused.header("Retry-After").is_some());
    }
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    let waited: Vec<_> = crowd.map(Result::unwrap).collect().await;
    assert_eq!(waited.len(), SEATS);
    assert!(waited.iter().all(Reply::is_replay));
    assert_eq!(shop.handler.runs(), 1);
}
