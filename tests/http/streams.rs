//! Responses whose length is not known: sent as they come, and kept.

use crate::leases::longer_than_a_lease;
use crate::{Shop, routes};
use actix_web::body::SizedStream;
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, route};
use futures_util::stream::{self, Stream, StreamExt};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, idempotent};
use reqwest::Method;
use std::io;
use std::sync::Mutex;
use tests::{Backend, ControlledHandler, Guest, Reply, eventually};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

on_every_store! { in real time;
    who_has_all_of_a_stream_can_retry_at_once,
    pieces_are_sent_as_they_come,
    the_end_is_withheld_until_the_record_is_stored,
    the_end_comes_although_the_store_is_down,
    a_client_that_reads_slowly_holds_nothing_up,
    a_stream_is_kept_although_its_client_is_gone,
    without_a_client_a_stream_is_read_for_no_longer_than_the_lease,
    a_stream_without_a_client_is_counted,
    what_is_too_long_goes_on_and_leaves_a_tombstone,
    a_stream_keeps_its_lease,
    a_stream_that_breaks_leaves_a_tombstone,
    a_stream_that_panics_leaves_a_tombstone,
    a_worker_that_ends_leaves_a_tombstone,
    a_stream_that_many_read_is_made_once,
}

type Piece = io::Result<Bytes>;

#[route("/brief-export", method = "POST")]
#[idempotent(lease = "500ms")]
async fn brief_export(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/read-export", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m")]
async fn read_export(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

fn served(_: &Idempotency, config: &mut ServiceConfig) {
    config.service((brief_export, read_export));
    routes::all(config);
}

fn open(backend: Backend) -> Shop {
    with(backend, |builder| builder)
}

fn with(backend: Backend, set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Shop {
    Shop::serving(backend, set, served)
}

fn streamed(pieces: impl Stream<Item = Piece> + 'static) -> HttpResponse {
    HttpResponse::Ok().insert_header(("X-Total", "7")).streaming(pieces)
}

fn sized(length: usize, pieces: impl Stream<Item = Piece> + 'static) -> HttpResponse {
    let body = SizedStream::new(length as u64, pieces);
    HttpResponse::Ok().insert_header(("X-Total", "7")).body(body)
}

impl Shop {
    /// The first run answers with the bytes that the test sends into this channel. If the channel is closed, the body
    /// was dropped.
    fn tap(&self) -> UnboundedSender<Piece> {
        let (tap, pieces) = unbounded_channel();
        let pieces = Mutex::new(Some(pieces));
        self.handler.answers(move |_| {
            let mut pieces = pieces.lock().unwrap().take().expect("the only run");
            streamed(stream::poll_fn(move |context| pieces.poll_recv(context)))
        });
        tap
    }

    /// Sends a retry as soon as the first request is not in progress any more.
    async fn retried(&self, path: &str) -> Reply {
        eventually("the first run ends", async || {
            let retry = self.post(path).key("k").send().await;
            (retry.header("Idempotency-Problem") != Some("in-progress")).then_some(retry)
        })
        .await
    }
}

#[track_caller]
fn is_replay_of(reply: &Reply, body: &[u8]) {
    assert_eq!((reply.status, reply.is_replay()), (200, true), "{:?}", reply.headers);
    assert!(reply.body == body, "{} bytes", reply.body.len());
    assert_eq!(reply.header("X-Total"), Some("7"));
}

async fn who_has_all_of_a_stream_can_retry_at_once(backend: Backend) {
    let shop = open(backend);
    let long = Bytes::from((0..=255).cycle().take(1 << 20).collect::<Vec<u8>>());
    for (n, body) in [Bytes::new(), "one two".into(), long].into_iter().enumerate() {
        for response in [|_, pieces| streamed(pieces), sized] {
            let whole = body.clone();
            shop.handler.answers(move |_| {
                let pieces = whole.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece)));
                response(whole.len(), stream::iter(pieces.collect::<Vec<Piece>>()))
            });
            let key = format!("{n}-{}", shop.handler.runs());
            let first = shop.post("/orders").key(&key).send().await;
            let again = shop.post("/orders").key(&key).send().await;
            assert!(first.body == body && first.header("Idempotency-Stored").is_none(), "{key}");
            is_replay_of(&again, &body);
        }
    }
    assert_eq!(shop.handler.runs(), 6);
}

async fn pieces_are_sent_as_they_come(backend: Backend) {
    let shop = open(backend);
    let tap = shop.tap();
    let mut first = shop.post("/orders").key("k").begin().await;
    for piece in ["one ", "two"] {
        tap.send(Ok(piece.into())).unwrap();
        assert_eq!(first.chunk().await.unwrap().unwrap(), piece);
        shop.post("/orders").key("k").send().await.is_problem(409, "in-progress");
    }
    drop(tap);
    assert_eq!(first.chunk().await.unwrap(), None);
    is_replay_of(&shop.post("/orders").key("k").send().await, b"one two");
}

async fn the_end_is_withheld_until_the_record_is_stored(backend: Backend) {
    let shop = open(backend);
    for (key, response, all_but_the_end) in
        [("stream", (|_, pieces| streamed(pieces)) as fn(_, _) -> _, 4), ("sized", sized, 3)]
    {
        let exchanges = shop.backend.store.exchanges().clone();
        shop.handler.answers(move |_| {
            exchanges.close();
            response(4, stream::iter([Ok(Bytes::from("one "))]))
        });
        let mut first = shop.post("/orders").key(key).begin().await;
        let mut had = Vec::new();
        while had.len() < all_but_the_end {
            had.extend(first.chunk().await.unwrap().expect("not the end"));
        }
        shop.backend.store.exchanges().reached().await;
        assert_eq!(had.len(), all_but_the_end);
        shop.post("/orders").key(key).send().await.is_problem(409, "in-progress");
        shop.backend.store.exchanges().open();
        while let Some(piece) = first.chunk().await.unwrap() {
            had.extend(piece);
        }
        assert_eq!(had, b"one ");
        is_replay_of(&shop.post("/orders").key(key).send().await, b"one ");
    }
}

async fn the_end_comes_although_the_store_is_down(backend: Backend) {
    let shop = open(backend);
    let store = shop.backend.store.clone();
    shop.handler.answers(move |_| {
        store.set_down(true);
        streamed(stream::iter([Ok("one".into())]))
    });
    let first = shop.post("/orders").key("k").send().await;
    assert_eq!((first.status, &first.body[..]), (200, &b"one"[..]));
    assert_eq!(shop.idempotency.counts().not_stored, 1);
    shop.backend.store.set_down(false);
    is_replay_of(&shop.retried("/orders").await, b"one");
    assert_eq!(shop.handler.runs(), 1);
}

/// More bytes than the kernel buffers for a client that does not read.
async fn a_client_that_reads_slowly_holds_nothing_up(backend: Backend) {
    const LONG: usize = 12 << 20;
    let shop = with(backend, |builder| builder.max_body(LONG));
    shop.handler.answers(|_| {
        let piece = Bytes::from(vec![b'x'; 1 << 16]);
        streamed(stream::iter((0..LONG >> 16).map(move |_| Ok(piece.clone()))))
    });
    let mut first = shop.post("/orders").key("k").begin().await;
    is_replay_of(&shop.retried("/orders").await, &vec![b'x'; LONG]);
    let mut length = 0;
    while let Some(piece) = first.chunk().await.unwrap() {
        length += piece.len();
    }
    assert_eq!((length, shop.handler.runs()), (LONG, 1));
}

async fn a_stream_is_kept_although_its_client_is_gone(backend: Backend) {
    let shop = open(backend);
    let tap = shop.tap();
    let guest = Guest::post(&shop.server, "/orders", "alice", "k").await;
    shop.handler.answers_reach(1).await;
    tap.send(Ok("one ".into())).unwrap();
    guest.leaves();
    shop.post("/orders").key("k").send().await.is_problem(409, "in-progress");
    tap.send(Ok("two".into())).unwrap();
    drop(tap);
    is_replay_of(&shop.retried("/orders").await, b"one two");
}

async fn without_a_client_a_stream_is_read_for_no_longer_than_the_lease(backend: Backend) {
    let shop = open(backend);
    let tap = shop.tap();
    let guest = Guest::post(&shop.server, "/brief-export", "alice", "k").await;
    shop.handler.answers_reach(1).await;
    guest.leaves();
    tap.closed().await;
    shop.retried("/brief-export").await.is_problem(409, "not-replayable");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_stream_without_a_client_is_counted(backend: Backend) {
    let shop = with(backend, |builder| builder.runs_without_client(1));
    let tap = shop.tap();
    let guest = Guest::post(&shop.server, "/orders", "alice", "k").await;
    shop.handler.answers_reach(1).await;
    guest.leaves();
    let again = || shop.post("/orders").key("k").send();
    eventually("no more is let in", async || {
        (again().await.header("Idempotency-Problem") == Some("too-many-runs")).then_some(())
    })
    .await;
    drop(tap);
    eventually("its end", async || again().await.is_replay().then_some(())).await;
}

async fn what_is_too_long_goes_on_and_leaves_a_tombstone(backend: Backend) {
    let shop = with(backend, |builder| builder.max_body(10));
    let tap = shop.tap();
    let mut first = shop.post("/orders").key("k").begin().await;
    tap.send(Ok("ten bytes.".into())).unwrap();
    tap.send(Ok("more".into())).unwrap();
    let mut had = Vec::new();
    while had.len() < 14 {
        had.extend(first.chunk().await.unwrap().expect("more"));
    }
    shop.retried("/orders").await.is_problem(409, "not-replayable");
    tap.send(Ok(" and more".into())).unwrap();
    assert_eq!(first.chunk().await.unwrap().unwrap(), " and more");
    // The body goes at the client's pace, and ends when the client leaves.
    drop(first);
    let more = || tap.send(Ok("and more".into()));
    eventually("it is dropped", async || more().is_err().then_some(())).await;
    assert_eq!((&had[..], shop.handler.runs()), (&b"ten bytes.more"[..], 1));
}

async fn a_stream_keeps_its_lease(backend: Backend) {
    let shop = open(backend);
    let tap = shop.tap();
    let mut first = shop.post("/lasting").key("k").begin().await;
    longer_than_a_lease(&shop).await;
    shop.beside().post("/lasting").key("k").send().await.is_problem(409, "in-progress");
    tap.send(Ok("one".into())).unwrap();
    drop(tap);
    assert_eq!(first.chunk().await.unwrap().unwrap(), "one");
    assert_eq!(first.chunk().await.unwrap(), None);
    is_replay_of(&shop.post("/lasting").key("k").send().await, b"one");
}

async fn a_stream_that_breaks_leaves_a_tombstone(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| {
        streamed(stream::iter([Ok("one".into()), Err(io::Error::other("on purpose"))]))
    });
    leaves_a_tombstone(&shop).await;
}

async fn a_stream_that_panics_leaves_a_tombstone(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| {
        streamed(stream::iter(0..2).map(|n| {
            assert_eq!(n, 0, "on purpose");
            Ok("one".into())
        }))
    });
    leaves_a_tombstone(&shop).await;
}

/// The handler has returned, so the request must not run again.
async fn leaves_a_tombstone(shop: &Shop) {
    for (path, kind) in [("/orders", "not-replayable"), ("/holding", "outcome-unknown")] {
        let first = shop.post(path).key("k").try_send().await;
        assert!(first.is_err(), "its client sees it break: {first:?}");
        shop.retried(path).await.is_problem(409, kind);
    }
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_worker_that_ends_leaves_a_tombstone(backend: Backend) {
    let mut shop = open(backend);
    let tap = shop.tap();
    let first = shop.post("/orders").key("k").begin().await;
    let beside = shop.beside();
    drop(std::mem::replace(&mut shop.server, beside));
    tap.closed().await;
    first.bytes().await.expect_err("a body that did not come to its end");
    shop.retried("/orders").await.is_problem(409, "not-replayable");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_stream_that_many_read_is_made_once(backend: Backend) {
    let shop = open(backend);
    let tap = shop.tap();
    let read = || shop.server.send(Method::GET, "/read-export");
    let mut first = read().begin().await;
    tap.send(Ok("one".into())).unwrap();
    assert_eq!(first.chunk().await.unwrap().unwrap(), "one");
    let second = tokio::spawn(read().send());
    drop(tap);
    assert_eq!(first.chunk().await.unwrap(), None);
    let again = read().send().await;
    for reply in [second.await.unwrap(), again] {
        assert_eq!((&reply.body[..], reply.header("X-Total")), (&b"one"[..], Some("7")));
        let tag = reply.header("ETag").expect("a tag");
        assert!(reply.header("Age").is_some());
        assert_eq!(read().header("If-None-Match", tag).send().await.status, 304);
    }
    assert_eq!(shop.handler.runs(), 1);
}
