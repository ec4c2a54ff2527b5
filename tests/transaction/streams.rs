//! Bodies in pieces in a transaction: no piece is sent before the commit.

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, Stream, StreamExt};
use std::io;
use std::sync::Mutex;
use tokio::sync::mpsc::unbounded_channel;

on_every_database! {
    nothing_is_sent_before_the_commit,
    what_is_too_long_is_sent_after_the_commit,
    what_breaks_or_panics_is_committed_and_never_runs_again,
}

type Piece = io::Result<Bytes>;

fn streamed(pieces: impl Stream<Item = Piece> + 'static) -> HttpResponse {
    HttpResponse::Created().streaming(pieces)
}

async fn nothing_is_sent_before_the_commit(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let (tap, pieces) = unbounded_channel();
    let pieces = Mutex::new(Some(pieces));
    let (tell, mut reads) = unbounded_channel();
    bank.handler.answers(move |_| {
        let mut pieces = pieces.lock().unwrap().take().expect("the only run");
        let tell = tell.clone();
        streamed(stream::poll_fn(move |context| {
            let _ = tell.send(());
            pieces.poll_recv(context)
        }))
    });
    let mut first = Box::pin(bank.post("/dedup").key("k").send());
    tap.send(Ok("one ".into())).unwrap();
    // The handler ran once for the body that was sent, and once for the one that was not.
    for _ in 0..2 {
        tokio::select! {
            read = reads.recv() => read.expect("it is read"),
            reply = &mut first => panic!("before its body: {reply:?}"),
        }
    }
    assert_eq!(bank.effects().await, 0, "it is not committed");
    assert!(first.as_mut().now_or_never().is_none());
    tap.send(Ok("two".into())).unwrap();
    drop(tap);
    let first = first.await;
    assert_eq!((&first.body[..], first.header("Content-Length")), (&b"one two"[..], Some("7")));
    assert_eq!(first.header("Idempotency-Stored"), None);
    let again = bank.post("/dedup").key("k").send().await;
    assert_eq!((again.is_replay(), again.body), (true, first.body));
    assert_eq!((bank.effects().await, bank.handler.runs()), (1, 1));
}

async fn what_is_too_long_is_sent_after_the_commit(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    bank.handler.answers(move |_| {
        let piece = piece.clone();
        streamed(stream::iter((0..3).map(move |_| Ok(piece.clone()))))
    });
    let first = bank.post("/dedup").key("k").send().await;
    assert_eq!((first.status, first.body.len()), (201, 3 << 20));
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    bank.post("/dedup").key("k").send().await.is_problem(409, "not-replayable");
    assert_eq!((bank.effects().await, bank.handler.runs()), (1, 1));
}

async fn what_breaks_or_panics_is_committed_and_never_runs_again(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    bank.handler.answers(|run| {
        let pieces = stream::iter([run, 0]).map(|run| match run {
            0 => Err(io::Error::other("on purpose")),
            1 => Ok("one".into()),
            _ => panic!("on purpose"),
        });
        streamed(pieces)
    });
    for (effects, runs, key) in [(1, 1, "breaks"), (2, 2, "panics")] {
        assert!(bank.post("/dedup").key(key).try_send().await.is_err(), "it {key}");
        bank.post("/dedup").key(key).send().await.is_problem(409, "not-replayable");
        assert_eq!((bank.effects().await, bank.handler.runs()), (effects, runs));
    }
}
