//! Several requests with one key at the same time.

use crate::Shop;
use futures_util::future::join_all;
use std::time::Duration;
use tests::Backend;

on_every_store! {
    of_fifty_at_once_one_runs_and_all_get_its_answer,
    of_fifty_at_once_one_runs_and_the_others_are_told_to_come_back,
    a_mismatch_in_flight_is_a_mismatch,
    who_waits_runs_when_the_first_failed,
    waiting_ends,
    who_waits_is_woken_by_another_process,
}

async fn of_fifty_at_once_one_runs_and_all_get_its_answer(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let (replies, ()) =
        tokio::join!(join_all((0..50).map(|_| shop.post("/waiting").key("k").send())), async {
            shop.all_are_in(50).await;
            shop.handler.resume();
        },);
    assert_eq!(shop.handler.runs(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1"));
    assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
}

async fn of_fifty_at_once_one_runs_and_the_others_are_told_to_come_back(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    for reply in join_all((1..50).map(|_| shop.post("/orders").key("k").send())).await {
        reply.is_problem(409, "in-progress");
        let seconds: u64 = reply.header("Retry-After").unwrap().parse().unwrap();
        assert!((1..=2).contains(&seconds), "{seconds}");
    }
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(shop.post("/orders").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_mismatch_in_flight_is_a_mismatch(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/orders").key("k").body("one").send());
    shop.handler.runs_reach(1).await;
    let other = shop.post("/orders").key("k").body("two").send().await;
    other.is_problem(422, "key-reused");
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
}

async fn who_waits_runs_when_the_first_failed(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| match run {
        1 => actix_web::HttpResponse::ServiceUnavailable().finish(),
        _ => actix_web::HttpResponse::Created().body("second"),
    });
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(1).await;
    let waiting = join_all((0..20).map(|_| shop.post("/waiting").key("k").send()));
    let (replies, ()) = tokio::join!(waiting, async {
        shop.all_are_in(21).await;
        shop.handler.resume();
    });
    assert_eq!(first.await.unwrap().status, 503);
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "second"));
    assert_eq!(shop.handler.runs(), 2);
}

async fn waiting_ends(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/impatient").key("k").send());
    shop.handler.runs_reach(1).await;
    let tired = shop.post("/impatient").key("k").send().await;
    tired.is_problem(409, "in-progress");
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
}

/// Two engines on one store are like two processes: they cannot wake each other's requests.
async fn who_waits_is_woken_by_another_process(backend: Backend) {
    let shop = Shop::open(backend);
    let elsewhere = shop.beside();
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(1).await;
    let (reply, ()) = tokio::join!(elsewhere.post("/waiting").key("k").send(), async {
        shop.backend.store.claims_reach(2).await;
        shop.backend.pass(Duration::ZERO).await;
        shop.handler.resume();
    });
    assert_eq!(first.await.unwrap().status, 201);
    assert!(reply.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}
