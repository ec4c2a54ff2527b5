//! Bodies that are too long, in pieces, or cut off.

use crate::Shop;
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::web::Bytes;
use futures_util::stream;
use std::io;
use tests::Backend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store! {
    a_response_over_the_limit_leaves_a_tombstone,
    a_stream_that_knows_its_length_is_stored,
    a_request_over_the_limit_claims_nothing,
    a_body_in_pieces_is_the_same_body,
    a_body_that_is_not_fingerprinted_streams,
    a_body_cut_off_claims_nothing,
    what_an_extractor_refuses_claims_nothing,
}

async fn a_response_over_the_limit_leaves_a_tombstone(backend: Backend) {
    let shop = Shop::open(backend);
    let long = Bytes::from(vec![b'x'; (2 << 20) + 1]);
    shop.handler.answers({
        let long = long.clone();
        move |_| HttpResponse::Ok().body(long.clone())
    });
    let first = shop.post("/orders").key("k").send().await;
    assert!(first.body == long, "the client gets it whole");
    assert_eq!(first.header("Idempotency-Stored"), Some("false"));
    shop.post("/orders").key("k").send().await.is_problem(409, "not-replayable");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_stream_that_knows_its_length_is_stored(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| {
        let pieces = stream::iter([Ok::<_, io::Error>(Bytes::from("one ")), Ok("two".into())]);
        HttpResponse::Ok().body(SizedStream::new(7, pieces))
    });
    let first = shop.post("/orders").key("k").send().await;
    let second = shop.post("/orders").key("k").send().await;
    assert_eq!((&first.body[..], &second.body[..]), (&b"one two"[..], &b"one two"[..]));
    assert!(second.is_replay() && first.header("Idempotency-Stored").is_none());
}

async fn a_request_over_the_limit_claims_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let exact = vec![b'x'; 1024];
    assert_eq!(shop.post("/small").key("exact").body(exact).send().await.status, 201);

    let over = vec![b'x'; 1025];
    let declared = shop.post("/small").key("k").body(over.clone()).send().await;
    declared.is_problem(413, "body-too-large");
    let mut raw = TcpStream::connect(shop.server.address()).await.unwrap();
    let head = "POST /small HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                Idempotency-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n";
    raw.write_all(head.as_bytes()).await.unwrap();
    raw.write_all(&over).await.unwrap();
    raw.write_all(b"\r\n0\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    raw.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");

    assert_eq!(shop.handler.runs(), 1);
    let reply = shop.post("/small").key("k").body("short").send().await;
    assert_eq!((reply.status, reply.is_replay()), (201, false), "the key was not spent");
}

async fn a_body_in_pieces_is_the_same_body(backend: Backend) {
    let shop = Shop::open(backend);
    let first = shop.post("/orders").key("k").body("one two").send().await;
    let pieces = [Ok::<_, io::Error>(Bytes::from("one ")), Ok("two".into())];
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    let chunked = shop.post("/orders").key("k").body(body).send().await;
    assert_eq!((chunked.is_replay(), chunked.body), (true, first.body));
}

async fn a_body_that_is_not_fingerprinted_streams(backend: Backend) {
    let shop = Shop::open(backend);
    // The body is far longer than `max_body`, which bounds the buffer.
    let reply = shop.post("/unread").key("k").body(vec![b'x'; 100_000]).send().await;
    assert_eq!((reply.status, &reply.body[..]), (201, &b"100000 bytes"[..]));
    let other = shop.post("/unread").key("k").body("different").send().await;
    assert_eq!((other.is_replay(), &other.body[..]), (true, &b"100000 bytes"[..]));
}

async fn a_body_cut_off_claims_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let mut raw = TcpStream::connect(shop.server.address()).await.unwrap();
    let half = "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                Idempotency-Key: k\r\nContent-Length: 10\r\n\r\nhalf";
    raw.write_all(half.as_bytes()).await.unwrap();
    raw.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // The answer does not matter: by then the server has seen the end.
    let _ = raw.read_to_end(&mut answer).await;
    assert_eq!(shop.handler.runs(), 0);
    let reply = shop.post("/orders").key("k").body("whole").send().await;
    assert_eq!((reply.status, reply.is_replay()), (201, false));
}

async fn what_an_extractor_refuses_claims_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let refused = shop.post("/json").key("k").header("Content-Type", "application/json");
    let refused = refused.body("{\"sku\":").send().await;
    assert_eq!(refused.status, 400);
    assert_ne!(refused.header("Content-Type"), Some("application/problem+json"), "actix's own");
    let accepted = shop.post("/json").key("k").header("Content-Type", "application/json");
    let accepted = accepted.body("{\"sku\":\"book\"}").send().await;
    assert_eq!((accepted.status, accepted.is_replay()), (201, false));
}
