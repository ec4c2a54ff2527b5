//! Requests as bytes that no client library sends: broken header lines, bodies that stop.

use crate::Shop;
use std::fmt::Write as _;
use tests::Backend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store! {
    control_characters_in_a_key_run_nothing,
    bytes_above_ascii_in_a_key_are_refused,
    letters_that_only_look_alike_are_refused,
    a_key_over_several_lines_runs_nothing,
    space_around_a_key_is_not_part_of_it,
    a_body_that_stops_and_is_reset_claims_nothing,
    a_body_in_odd_pieces_is_the_same_body,
    the_same_key_twice_on_one_connection_runs_once,
}

/// The head of a POST by alice, up to the key's line.
const HEAD: &str = "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n";

impl Shop {
    /// Sends these bytes on a connection of their own, and reads until the server closes it.
    async fn bytes(&self, sent: &[u8]) -> String {
        let mut line = TcpStream::connect(self.server.address()).await.unwrap();
        line.write_all(sent).await.unwrap();
        let mut answer = Vec::new();
        // A reset counts as an end, too.
        let _ = line.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("nothing but text comes back")
    }

    /// A request with these bytes in the place of its key.
    async fn key_of(&self, key: &[u8]) -> String {
        let tail = b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        self.bytes(&[HEAD.as_bytes(), b"Idempotency-Key:", key, tail].concat()).await
    }
}

async fn control_characters_in_a_key_run_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    for byte in (0..0x20).chain([0x7f]) {
        for key in [&[b'a', byte, b'b'][..], &[b'"', b'a', byte, b'b', b'"']] {
            let answer = shop.key_of(key).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{byte:#04x}: {answer}");
            let echoed = answer.chars().any(|c| c.is_control() && c != '\r' && c != '\n');
            assert!(!echoed, "{byte:#04x}: {answer:?}");
        }
    }
    let coloured = shop.key_of(b"\x1b[31mred\x1b[0m").await;
    assert!(coloured.starts_with("HTTP/1.1 400") && !coloured.contains('\x1b'), "{coloured:?}");
    assert_eq!(shop.handler.runs(), 0);
    assert_eq!(shop.post("/orders").key("ab").send().await.status, 201, "the server lives");
}

async fn bytes_above_ascii_in_a_key_are_refused(backend: Backend) {
    let shop = Shop::open(backend);
    for byte in 0x80..=0xff {
        for key in [&[b'a', byte, b'b'][..], &[b'"', b'a', byte, b'b', b'"'], &[byte]] {
            let answer = shop.key_of(key).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{byte:#04x}: {answer}");
            assert!(answer.contains("problem/key-invalid"), "{byte:#04x}: {answer}");
        }
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn letters_that_only_look_alike_are_refused(backend: Backend) {
    let shop = Shop::open(backend);
    assert_eq!(shop.post("/orders").key("abc").send().await.status, 201);
    for alike in [
        "\u{430}bc",
        "\u{ff41}bc",
        "abc\u{200b}",
        "\u{feff}abc",
        "ab\u{441}",
        "\u{201c}abc\u{201d}",
    ] {
        for key in [alike.to_owned(), format!("\"{alike}\"")] {
            let reply = shop.post("/orders").header("Idempotency-Key", key.as_bytes()).send().await;
            reply.is_problem(400, "key-invalid");
        }
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_key_over_several_lines_runs_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    for key in ["\"a\nb\"", "\"a\r\nb\"", "a\r\n b", "a\r\n\tb", "\"a\r\n b\""] {
        let answer = shop.key_of(key.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{key:?}: {answer}");
    }
    assert_eq!(shop.handler.runs(), 0);
}

/// RFC 9110, section 5.5: white space around a value is not a part of it.
async fn space_around_a_key_is_not_part_of_it(backend: Backend) {
    let shop = Shop::open(backend);
    let first = shop.key_of(b"abc").await;
    assert!(first.starts_with("HTTP/1.1 201") && !first.contains("replayed"), "{first}");
    for key in ["  abc", " abc ", "\tabc \t", " \"abc\" "] {
        let answer = shop.key_of(key.as_bytes()).await;
        assert!(answer.contains("idempotency-replayed: true"), "{key:?}: {answer}");
    }
    for key in ["", " ", "\t \t", " \"\" "] {
        let answer = shop.key_of(key.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("key-missing"), "{key:?}");
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_body_that_stops_and_is_reset_claims_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    for half in ["Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\na\r\nhalf"] {
        let mut line = TcpStream::connect(shop.server.address()).await.unwrap();
        let sent = format!("{HEAD}Idempotency-Key: k\r\n{half}");
        line.write_all(sent.as_bytes()).await.unwrap();
        // The connection ends by a reset.
        line.set_zero_linger().unwrap();
        drop(line);
    }
    // Both workers have served other requests since the resets arrived.
    for n in 0..20 {
        assert_eq!(shop.post("/orders").key(&format!("k{n}")).send().await.status, 201);
    }
    assert_eq!(shop.handler.runs(), 20);
    let whole = shop.post("/orders").key("k").body("whole").send().await;
    assert_eq!((whole.status, whole.is_replay()), (201, false), "the key was not spent");
}

/// Content-Length, chunks of every size, chunk extensions and trailers: one body, one fingerprint.
async fn a_body_in_odd_pieces_is_the_same_body(backend: Backend) {
    let shop = Shop::open(backend);
    let body = "{\"sku\":\"book\"}";
    let first = shop.post("/orders").key("k").body(body).send().await;
    assert_eq!(first.status, 201);
    for size in 1..=body.len() {
        let mut sent = format!(
            "{HEAD}Idempotency-Key: k\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        );
        for piece in body.as_bytes().chunks(size) {
            let piece = std::str::from_utf8(piece).unwrap();
            write!(sent, "{:X};note=\"a;b\"\r\n{piece}\r\n", piece.len()).unwrap();
        }
        sent.push_str("0\r\nX-Trailer: t\r\n\r\n");
        let answer = shop.bytes(sent.as_bytes()).await;
        assert!(answer.contains("idempotency-replayed: true"), "{size}: {answer}");
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn the_same_key_twice_on_one_connection_runs_once(backend: Backend) {
    let shop = Shop::open(backend);
    let request = |end: &str| format!("{HEAD}Idempotency-Key: k\r\nContent-Length: 0{end}\r\n\r\n");
    let both = request("") + &request("\r\nConnection: close");
    let answers = shop.bytes(both.as_bytes()).await;
    assert_eq!(answers.matches("HTTP/1.1 201").count(), 2, "{answers}");
    assert_eq!(answers.matches("idempotency-replayed: true").count(), 1, "{answers}");
    assert_eq!(shop.handler.runs(), 1);
}
