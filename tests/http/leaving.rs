//! Clients that leave while their request waits or runs.

use crate::Shop;
use actix_web::HttpResponse;
use tests::{Backend, Guest, eventually};

on_every_store! { in real time;
    who_leaves_the_queue_for_a_lock_does_not_run_and_its_place_is_free,
    who_leaves_as_the_next_for_a_lock_held_elsewhere_makes_way,
    who_leaves_while_it_waits_for_the_first_does_not_run,
    who_leaves_before_its_claim_is_answered_gives_its_key_back,
}

impl Shop {
    /// Waits until so many requests are under way, those that wait for a run included.
    async fn under_way(&self, many: usize) {
        let is_so = async || (self.idempotency.under_way() == many).then_some(());
        eventually("as many requests are under way as were sent and not left", is_so).await;
    }
}

async fn who_leaves_the_queue_for_a_lock_does_not_run_and_its_place_is_free(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/locked/a", "bob", "b").await;
    shop.under_way(2).await;
    let last = tokio::spawn(shop.post("/locked/a").send());
    shop.under_way(3).await;
    guest.leaves();
    shop.under_way(2).await;
    shop.handler.resume();
    let answered = [first.await.unwrap(), last.await.unwrap()].map(|reply| reply.body);
    assert_eq!(answered, ["run 1", "run 2"]);
    shop.under_way(0).await;
    assert_eq!(shop.handler.runs(), 2);
}

async fn who_leaves_as_the_next_for_a_lock_held_elsewhere_makes_way(backend: Backend) {
    let shop = Shop::open(backend);
    let elsewhere = shop.beside();
    shop.handler.pause();
    let first = tokio::spawn(elsewhere.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/locked/a", "bob", "b").await;
    shop.under_way(1).await;
    let last = tokio::spawn(shop.post("/locked/a").send());
    shop.under_way(2).await;
    guest.leaves();
    shop.under_way(1).await;
    shop.handler.resume();
    let answered = [first.await.unwrap(), last.await.unwrap()].map(|reply| reply.body);
    assert_eq!(answered, ["run 1", "run 2"]);
    assert_eq!(shop.handler.runs(), 2);
}

async fn who_leaves_while_it_waits_for_the_first_does_not_run(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        run => HttpResponse::Created().body(format!("run {run}")),
    });
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/waiting", "alice", "k").await;
    shop.under_way(2).await;
    guest.leaves();
    shop.under_way(1).await;
    shop.handler.resume();
    // It leaves the key free.
    assert_eq!(first.await.unwrap().status, 500);
    shop.under_way(0).await;
    assert_eq!(shop.handler.runs(), 1);
    assert_eq!(shop.post("/waiting").key("k").send().await.body, "run 2");
}

async fn who_leaves_before_its_claim_is_answered_gives_its_key_back(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.answers_to_claims().close();
    let guest = Guest::post(&shop.server, "/orders", "alice", "k").await;
    shop.backend.store.answers_to_claims().reached().await;
    guest.leaves();
    shop.under_way(0).await;
    let retry = shop.post("/orders").key("k").send().await;
    assert_eq!((retry.status, retry.is_replay(), shop.handler.runs()), (201, false, 1));
}
