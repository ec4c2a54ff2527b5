//! Valid and invalid keys.

use crate::Shop;
use idempotent_runtime::KeyForm;
use tests::Backend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store! {
    a_missing_or_empty_key_is_missing,
    keys_that_cannot_be_read_are_refused,
    keys_of_every_allowed_kind_are_accepted,
    quoted_and_bare_are_one_key,
    case_makes_another_key,
    strict_mode_takes_the_quoted_form_alone,
    keys_that_look_like_something_else_are_keys,
    a_key_of_a_hundred_kilobytes_is_refused,
    an_optional_key_is_whole_or_not_there,
    an_optional_key_that_is_empty_or_unreadable_is_refused,
}

async fn a_missing_or_empty_key_is_missing(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/orders").send().await.is_problem(400, "key-missing");
    for key in ["", "\"\"", "   "] {
        shop.post("/orders").key(key).send().await.is_problem(400, "key-missing");
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn keys_that_cannot_be_read_are_refused(backend: Backend) {
    let shop = Shop::open(backend);
    let long = "a".repeat(256);
    let quoted = format!("\"{long}\"");
    for key in [
        &b"\"a\", \"b\""[..],
        b"\"a\";p=1",
        b"\"open",
        b"'a'",
        b"a b",
        b"a\tb",
        b"a,b",
        b"caf\xc3\xa9",
        b"\xff\xfe",
        b"\"caf\xc3\xa9\"",
        b"a;b",
        long.as_bytes(),
        quoted.as_bytes(),
    ] {
        let reply = shop.post("/orders").header("Idempotency-Key", key).send().await;
        reply.is_problem(400, "key-invalid");
    }
    for (one, other) in [("a", "a"), ("a", "b"), ("a", "")] {
        shop.post("/orders").key(one).key(other).send().await.is_problem(400, "key-invalid");
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn keys_of_every_allowed_kind_are_accepted(backend: Backend) {
    let shop = Shop::open(backend);
    let longest = "a".repeat(255);
    let quoted = format!("\"{}\"", "b".repeat(255));
    for key in [
        longest.as_str(),
        &quoted,
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        "12345",
        "a.b_c~d:e+f/g=h-i",
        "\"with spaces, and; more \\\"quoted\\\"\"",
    ] {
        let first = shop.post("/orders").key(key).send().await;
        assert_eq!((first.status, first.is_replay()), (201, false), "{key}");
        assert!(shop.post("/orders").key(key).send().await.is_replay(), "{key}");
    }
}

async fn quoted_and_bare_are_one_key(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/orders").key("\"abc\"").send().await;
    assert!(shop.post("/orders").key("abc").send().await.is_replay());
}

async fn case_makes_another_key(backend: Backend) {
    let shop = Shop::open(backend);
    for key in ["abc", "ABC", "Abc", "\"abc \""] {
        assert!(!shop.post("/orders").key(key).send().await.is_replay(), "{key}");
    }
    assert_eq!(shop.handler.runs(), 4);
}

async fn strict_mode_takes_the_quoted_form_alone(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.key_form(KeyForm::Strict));
    shop.post("/orders").key("abc").send().await.is_problem(400, "key-invalid");
    assert_eq!(shop.post("/orders").key("\"abc\"").send().await.status, 201);
}

async fn keys_that_look_like_something_else_are_keys(backend: Backend) {
    let shop = Shop::open(backend);
    let keys = [
        "\"*\"",
        "\"?\"",
        "\"[a]\"",
        "\"{tag}\"",
        "\"' OR 1=1--\"",
        "../..",
        "idempotency:",
        "\"\\\\r\\\\nDEL x\"",
        "\"redis.call('FLUSHALL')\"",
        "\"%00\"",
        "\"$(reboot)\"",
    ];
    for (n, key) in keys.into_iter().enumerate() {
        let first = shop.post("/orders").key(key).send().await;
        assert_eq!(first.body, format!("run {}", n + 1), "{key}");
    }
    for (n, key) in keys.into_iter().enumerate() {
        let second = shop.post("/orders").key(key).send().await;
        assert_eq!(
            (second.is_replay(), second.body),
            (true, format!("run {}", n + 1).into()),
            "{key}"
        );
    }
}

async fn a_key_of_a_hundred_kilobytes_is_refused(backend: Backend) {
    let shop = Shop::open(backend);
    let mut raw = TcpStream::connect(shop.server.address()).await.unwrap();
    let key = "a".repeat(100_000);
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
         Idempotency-Key: {key}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    raw.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(shop.handler.runs(), 0);
}

async fn an_optional_key_is_whole_or_not_there(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |query: &str, part: Option<&str>, body: &'static str| {
        let kind = "application/x-www-form-urlencoded";
        let request = shop.post(&format!("/optional-parts{query}")).header("Content-Type", kind);
        let request = request.body(body);
        part.into_iter().fold(request, |request, part| request.header("X-Part", part)).send()
    };
    for run in 1..=2 {
        let reply = send("?other=1", None, "other=1").await;
        assert_eq!((reply.status, reply.body), (201, format!("run {run}").into()));
    }
    for (query, part, body) in [
        ("", Some("a"), ""),
        ("?part=b", None, ""),
        ("", None, "part=c"),
        ("?part=b", Some("a"), ""),
        ("?part=b", None, "part=c"),
        ("?part=", None, ""),
        ("", Some(""), ""),
        ("", None, "part="),
        ("?part=b", Some("a"), "part="),
    ] {
        send(query, part, body).await.is_problem(400, "key-missing");
    }
    send("?part=b&part=b", Some("a"), "").await.is_problem(400, "key-invalid");
    send("?part=%FE", Some("a"), "").await.is_problem(400, "key-invalid");
    send("?part=%FE", None, "").await.is_problem(400, "key-missing");
    assert_eq!(send("?part=b", Some("a"), "part=c").await.body, "run 3");
    assert!(send("?part=b", Some("a"), "part=c").await.is_replay());
}

async fn an_optional_key_that_is_empty_or_unreadable_is_refused(backend: Backend) {
    let shop = Shop::open(backend);
    for (key, kind) in [
        ("", "key-missing"),
        ("\"\"", "key-missing"),
        ("  ", "key-missing"),
        ("\"open", "key-invalid"),
        ("a b", "key-invalid"),
    ] {
        shop.post("/optional").key(key).send().await.is_problem(400, kind);
    }
    shop.post("/optional").key("a").key("a").send().await.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 0);
    assert_eq!(shop.post("/optional").send().await.status, 201);
}
