//! Values that mean something to stores, shells, terminals and other parsers are only values.

use crate::Shop;
use actix_web::web::{Data, Json, Path};
use actix_web::{Responder, route};
use idempotent_runtime::idempotent;
use idempotent_runtime::store::record::Summary;
use serde_json::json;
use std::fmt::Write as _;
use tests::{Backend, ControlledHandler};

on_every_store! {
    values_of_every_kind_name_records_of_their_own,
    a_header_that_is_no_text_is_no_part_of_a_key,
    scopes_of_every_kind_are_apart,
    what_people_read_of_a_record_is_printable,
    a_record_shows_no_credential,
    a_record_shows_no_credential_that_an_expression_names,
}

/// Texts that caused trouble in other programs, and pairs that others take for the same.
const TROUBLE: [&str; 32] = [
    "*",
    "?",
    "[a]",
    "[a-z]*",
    "{tag}",
    "{tag}2",
    "a{tag}",
    "a:b",
    "a",
    "A",
    "a ",
    "' OR 1=1--",
    "\"; DROP TABLE idempotency_records; --",
    "%",
    "_",
    "\r\nDEL x\r\n",
    "$3\r\nfoo\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "redis.call('FLUSHALL')",
    "../",
    "../../etc/passwd",
    "idempotency:",
    "idempotency_records",
    "\0",
    "a\0",
    "\u{1b}[31mred\u{1b}[0m",
    "é",
    "e\u{301}",
    "\u{202e}txt",
    "\u{430}",  // Cyrillic
    "\u{ff41}", // full width
    "😀",
];

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").expect("a string");
        encoded
    })
}

async fn values_of_every_kind_name_records_of_their_own(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |text: &str| {
        let path = format!("/by-sources/1?q={}", encoded(text));
        shop.post(&path).header("Cookie", "sid=s").header("X-Part", "p").send()
    };
    for round in 0..2 {
        for (n, text) in TROUBLE.into_iter().enumerate() {
            let reply = send(text).await;
            assert_eq!((reply.status, reply.is_replay()), (201, round > 0), "{text:?}");
            assert_eq!(reply.body, format!("run {}", n + 1), "{text:?}");
        }
    }
}

async fn a_header_that_is_no_text_is_no_part_of_a_key(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |part: &[u8]| {
        let request = shop.post("/by-sources/1?q=q").header("Cookie", "sid=s");
        request.header("X-Part", part).send()
    };
    for part in [&b"\xfe"[..], b"\xff", b"a\xc3", b"a\tb"] {
        send(part).await.is_problem(400, "key-invalid");
    }
    assert_eq!(send("é".as_bytes()).await.status, 201);
    assert_eq!(shop.handler.runs(), 1);
}

/// Every value is sent next to every other.
async fn scopes_of_every_kind_are_apart(backend: Backend) {
    let shop = Shop::open(backend);
    let printable = TROUBLE.into_iter().filter(|text| {
        text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) && !text.contains('"')
    });
    let values: Vec<_> = printable.take(8).collect();
    let mut runs = 0;
    for tenant in &values {
        for user in &values {
            let send = || {
                let request = shop.post("/personal").key("k");
                request.header("X-Tenant", tenant).header("X-User", user).send()
            };
            runs += 1;
            assert_eq!(send().await.body, format!("run {runs}"), "{tenant} {user}");
            assert!(send().await.is_replay(), "{tenant} {user}");
        }
    }
}

async fn what_people_read_of_a_record_is_printable(backend: Backend) {
    let shop = Shop::open(backend);
    for text in TROUBLE {
        let path = format!("/by-sources/1?q={}", encoded(text));
        shop.post(&path).header("Cookie", "sid=hunter2").header("X-Part", "p").send().await;
        let record = shop.backend.store.record().await;
        let glance = Summary::of(&record.value);
        assert_eq!((glance.operation, glance.state), ("by_sources", "completed"));
        assert!(!glance.label.chars().any(char::is_control), "{:?}", glance.label);
        assert!(!record.value.windows(7).any(|bytes| bytes == b"hunter2"), "no cookie is kept");
        assert!(glance.label.contains("(secret)"), "{:?}", glance.label);
    }
}

/// A value by its name, in every part of the request.
async fn a_record_shows_no_credential(backend: Backend) {
    let shop = Shop::open(backend);
    let sent = shop
        .post("/by-credentials/hunter1?reset_token=hunter4")
        .header("X-Api-Key", "hunter2")
        .header("X-CSRF", "hunter3")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("client_secret=hunter5");
    assert_eq!(sent.send().await.status, 201);
    let record = shop.backend.store.record().await;
    assert_eq!(Summary::of(&record.value).label, "(secret)".repeat(5));
    assert!(!record.value.windows(6).any(|bytes| bytes == b"hunter"), "none is kept");
}

#[derive(serde::Deserialize)]
struct Login {
    name: String,
    api_key: String,
    client_secret: Option<String>,
}

#[route("/by-expressions/{token}", method = "POST")]
#[idempotent(
    key = "{token}{login.name}{login.api_key}{login.client_secret.as_deref().unwrap_or_default()}",
    fingerprint = "none"
)]
async fn by_expressions(
    handler: Data<ControlledHandler>,
    token: Path<String>,
    login: Json<Login>,
) -> impl Responder {
    let _ = (token, login);
    handler.run().await
}

async fn a_record_shows_no_credential_that_an_expression_names(backend: Backend) {
    let routes = |_: &_, config: &mut actix_web::web::ServiceConfig| {
        config.service(by_expressions);
    };
    let shop = Shop::serving(backend, |builder| builder, routes);
    let login = json!({"name": "ann", "api_key": "hunter2", "client_secret": "hunter3"});
    let sent = shop.post("/by-expressions/hunter1").json(&login);
    assert_eq!(sent.send().await.status, 201);
    let record = shop.backend.store.record().await;
    assert_eq!(Summary::of(&record.value).label, "(secret)ann(secret)(secret)");
    assert!(!record.value.windows(6).any(|bytes| bytes == b"hunter"), "none is kept");
}
