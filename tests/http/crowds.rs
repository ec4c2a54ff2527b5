//! More readers than may wait: one computes for all, or one of each process.

use crate::Shop;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, route};
use futures_util::future::join_all;
use idempotent_runtime::{IdempotencyBuilder, idempotent};
use reqwest::Method;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Guest, Reply, Server, eventually};

on_every_store! {
    of_those_who_are_tired_one_computes_and_the_others_wait_on,
    where_the_one_who_computes_fails_the_next_does,
    where_the_one_who_computes_panics_the_next_does,
    what_is_computed_beside_is_kept_although_its_client_is_gone,
    what_is_computed_beside_is_not_kept_when_it_is_invalidated,
    that_an_answer_computed_beside_is_not_kept_is_known_to_all,
    who_is_one_too_many_does_not_wait,
}

#[route("/slow/{id}", method = "GET")]
#[idempotent(
    strategy = "cache",
    ttl = "1m",
    wait = "50ms",
    key = "{path.id}",
    operation = "slow",
    scope = "shared"
)]
async fn slow(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/patient/{id}", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m", wait = "10m", key = "{path.id}", scope = "shared")]
async fn patient(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

fn routes(config: &mut ServiceConfig) {
    config.service((slow, patient));
}

fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, |_, config| routes(config))
}

/// A process that computes an answer, and does not end before the test says so.
struct Elsewhere {
    handler: ControlledHandler,
    server: Server,
    reader: tokio::task::JoinHandle<Reply>,
}

impl Elsewhere {
    async fn computing(shop: &Shop) -> Self {
        let handler = ControlledHandler::new();
        handler.answers(|_| HttpResponse::Ok().body("elsewhere"));
        handler.pause();
        let idempotency = crate::guard(&shop.backend).build().unwrap();
        let server = Server::start(&idempotency, &handler, routes);
        let reader = tokio::spawn(server.send(Method::GET, "/slow/7").send());
        handler.runs_reach(1).await;
        Self { handler, server, reader }
    }

    /// The reader whose request computes gets its answer, even if the record is not kept.
    async fn ends(self) {
        self.handler.resume();
        assert_eq!(self.reader.await.unwrap().body, "elsewhere");
        drop(self.server);
    }
}

impl Shop {
    async fn slow(&self) -> Reply {
        self.server.send(Method::GET, "/slow/7").send().await
    }

    /// Sends this many readers of an answer that takes longer than their `wait`.
    fn tired(&self, many: usize) -> impl Future<Output = Vec<Reply>> {
        join_all((0..many).map(|_| self.slow()))
    }

    /// Waits until the `wait` of each has ended without an answer.
    async fn all_are_tired(&self, many: usize) {
        let tired = async || (self.idempotency.counts().refused >= many as u64).then_some(());
        eventually("all are tired", tired).await;
    }
}

async fn of_those_who_are_tired_one_computes_and_the_others_wait_on(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler.pause();
    let (replies, ()) = tokio::join!(shop.tired(6), async {
        shop.all_are_tired(6).await;
        assert_eq!(shop.handler.runs(), 1);
        shop.handler.resume();
    });
    assert!(replies.iter().all(|reply| (reply.status, &reply.body[..]) == (201, b"run 1")));
    // All processes read the answer.
    let there = elsewhere.server.send(Method::GET, "/slow/7").send().await;
    assert_eq!(there.body, "run 1");
    elsewhere.ends().await;
    assert_eq!((shop.slow().await.body, shop.handler.runs()), ("run 1".into(), 1));
}

async fn where_the_one_who_computes_fails_the_next_does(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        run => HttpResponse::Created().body(format!("run {run}")),
    });
    shop.handler.pause();
    let (replies, ()) = tokio::join!(shop.tired(4), async {
        shop.all_are_tired(4).await;
        shop.handler.resume();
    });
    assert_eq!(replies.iter().filter(|reply| reply.status == 500).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.body == "run 2").count(), 3);
    elsewhere.ends().await;
    assert_eq!(shop.handler.runs(), 2);
}

async fn where_the_one_who_computes_panics_the_next_does(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler.answers(|run| {
        assert!(run > 1, "as the test asked");
        HttpResponse::Created().body("second")
    });
    shop.handler.pause();
    let (replies, ()) = tokio::join!(shop.tired(2), async {
        shop.all_are_tired(2).await;
        shop.handler.resume();
    });
    let mut statuses = [replies[0].status, replies[1].status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 500]);
    elsewhere.ends().await;
}

async fn what_is_computed_beside_is_kept_although_its_client_is_gone(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler.pause();
    let guest = Guest::send(&shop.server, "GET", "/slow/7", "").await;
    shop.handler.runs_reach(1).await;
    guest.leaves();
    // This request is served after the reset arrived.
    for _ in 0..20 {
        assert_eq!(shop.server.send(Method::GET, "/none").send().await.status, 404);
    }
    shop.handler.resume();
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
    let there = elsewhere.server.send(Method::GET, "/slow/7").send().await;
    assert_eq!((&there.body[..], shop.handler.runs()), (&b"run 1"[..], 1));
    elsewhere.ends().await;
}

async fn what_is_computed_beside_is_not_kept_when_it_is_invalidated(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler.pause();
    let reader = tokio::spawn(shop.server.send(Method::GET, "/slow/7").send());
    shop.handler.runs_reach(1).await;
    shop.idempotency.invalidate("slow", ["7"]).shared().await.unwrap();
    shop.handler.resume();
    assert_eq!(reader.await.unwrap().body, "run 1");
    elsewhere.ends().await;
    assert_eq!((shop.slow().await.body, shop.handler.runs()), ("run 2".into(), 2));
}

async fn that_an_answer_computed_beside_is_not_kept_is_known_to_all(backend: Backend) {
    let shop = open(backend);
    let elsewhere = Elsewhere::computing(&shop).await;
    shop.handler
        .answers(|_| HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).finish());
    shop.handler.pause();
    let (replies, ()) = tokio::join!(shop.tired(3), async {
        shop.all_are_tired(3).await;
        shop.handler.resume();
    });
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    assert_eq!(shop.handler.runs(), 3);
    elsewhere.ends().await;
}

/// One request computes, and two may wait for it. Of the next two, one computes, too, and the other computes for
/// itself only.
async fn who_is_one_too_many_does_not_wait(backend: Backend) {
    let two = |builder: IdempotencyBuilder| builder.waiters_for_one_key(2);
    let shop = Shop::serving(backend, two, |_, config| routes(config));
    let read = || tokio::spawn(shop.server.send(Method::GET, "/patient/7").send());
    shop.handler.pause();
    let mut readers = vec![read()];
    shop.handler.runs_reach(1).await;
    readers.extend([read(), read()]);
    eventually("both wait", async || (shop.idempotency.under_way() == 3).then_some(())).await;
    readers.extend([read(), read()]);
    shop.handler.runs_reach(3).await;
    assert_eq!(shop.handler.runs(), 3);
    shop.handler.resume();
    for reader in readers {
        assert_eq!(reader.await.unwrap().status, 201);
    }
    assert_eq!(shop.handler.runs(), 3);
}
