//! Clients that leave while their request waits or runs.

use crate::Shop;
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder, route};
use idempotent_runtime::{IdempotencyBuilder, idempotent};
use tests::{Backend, ControlledHandler, Guest, Server, eventually};

on_every_store! { in real time;
    who_leaves_the_queue_for_a_lock_does_not_run_and_its_place_is_free,
    who_leaves_as_the_next_for_a_lock_held_elsewhere_makes_way,
    who_leaves_while_it_waits_for_the_first_does_not_run,
    who_leaves_before_its_claim_is_answered_gives_its_key_back,
    runs_without_clients_are_bounded_for_one_scope_and_for_all,
}

/// A `wait` that is longer than a test, so that a client that leaves is not mistaken for one whose wait ended.
#[route("/patiently-locked/{id}", method = "POST")]
#[idempotent(strategy = "lock", key = "thing:{path.id}", lease = "2s", wait = "10m")]
async fn patiently_locked(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/patient", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "10m")]
async fn patient(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

fn open(backend: Backend) -> Shop {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.handler, |app| {
        app.service((patiently_locked, patient));
    });
    shop
}

impl Shop {
    /// Waits until this many requests run or wait for a run.
    async fn under_way(&self, many: usize) {
        let is_so = async || (self.idempotency.under_way() == many).then_some(());
        eventually("as many requests are under way as were sent and not left", is_so).await;
    }
}

async fn who_leaves_the_queue_for_a_lock_does_not_run_and_its_place_is_free(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/patiently-locked/a").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/patiently-locked/a", "bob", "b").await;
    shop.under_way(2).await;
    let last = tokio::spawn(shop.post("/patiently-locked/a").send());
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
    let shop = open(backend);
    let elsewhere = shop.beside();
    shop.handler.pause();
    let first = tokio::spawn(elsewhere.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/patiently-locked/a", "bob", "b").await;
    shop.under_way(1).await;
    let last = tokio::spawn(shop.post("/patiently-locked/a").send());
    shop.under_way(2).await;
    guest.leaves();
    shop.under_way(1).await;
    shop.handler.resume();
    let answered = [first.await.unwrap(), last.await.unwrap()].map(|reply| reply.body);
    assert_eq!(answered, ["run 1", "run 2"]);
    assert_eq!(shop.handler.runs(), 2);
}

async fn who_leaves_while_it_waits_for_the_first_does_not_run(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        run => HttpResponse::Created().body(format!("run {run}")),
    });
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/patient").key("k").send());
    shop.handler.runs_reach(1).await;
    let guest = Guest::post(&shop.server, "/patient", "alice", "k").await;
    shop.under_way(2).await;
    guest.leaves();
    shop.under_way(1).await;
    shop.handler.resume();
    // The key is free afterwards.
    assert_eq!(first.await.unwrap().status, 500);
    shop.under_way(0).await;
    assert_eq!(shop.handler.runs(), 1);
    assert_eq!(shop.post("/patient").key("k").send().await.body, "run 2");
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

/// Waits until the server knows that this many clients of an account left, each with a run of its own.
async fn runs_without_client(shop: &Shop, account: &str) {
    for key in ["k1", "k2"] {
        let before = shop.handler.runs();
        let guest = Guest::post(&shop.server, "/orders", account, key).await;
        shop.handler.runs_reach(before + 1).await;
        guest.leaves();
    }
    // The answer is `in-progress` until the server knows that both left.
    eventually("no more is let in", async || {
        let again = shop.post("/orders").as_account(account).key("k1").send().await;
        (again.status == 503).then_some(())
    })
    .await;
}

async fn runs_without_clients_are_bounded_for_one_scope_and_for_all(backend: Backend) {
    let bounded = |builder: IdempotencyBuilder| {
        builder.runs_without_client(4).runs_without_client_of_one_scope(2)
    };
    let shop = Shop::with(backend, bounded);
    let new = |account: &str| shop.post("/orders").as_account(account).key("new").send();
    shop.handler.pause();
    runs_without_client(&shop, "alice").await;
    let refused = new("alice").await;
    refused.is_problem(503, "too-many-runs");
    assert_eq!(refused.json()["retryable"], true, "some of them end");
    assert!(refused.header("Retry-After").is_some());

    // Other accounts may begin runs, until there are too many in all.
    runs_without_client(&shop, "bob").await;
    new("carol").await.is_problem(503, "too-many-runs");
    assert_eq!(shop.handler.runs(), 4);

    shop.handler.resume();
    shop.under_way(0).await;
    let kept = shop.post("/orders").key("k1").send().await;
    assert!(kept.is_replay(), "{kept:?}");
    for account in ["alice", "bob", "carol"] {
        assert_eq!(new(account).await.status, 201, "{account}");
    }
}
