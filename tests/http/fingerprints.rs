//! The parts of a request that a repetition must repeat.

use crate::{Shop, guard};
use actix_web::web::{Data, Json};
use actix_web::{Responder, post};
use idempotent_runtime::idempotent;
use serde_json::json;
use tests::{Backend, ControlledHandler, Sender, Server};

on_every_store! {
    another_body_or_query_is_a_mismatch,
    queries_that_a_parser_might_confuse_are_told_apart,
    another_method_or_path_is_another_request,
    a_mismatch_never_shows_the_first_response,
    a_template_of_parameters_can_be_the_fingerprint,
    a_template_of_parameters_can_be_the_key,
    a_template_reads_every_part_of_the_request,
    a_form_field_can_be_the_key,
    an_event_whose_body_differs_each_time_is_refused_and_told_why,
}

#[derive(serde::Deserialize)]
struct Event {
    id: String,
}

/// An event that is sent again until it is acknowledged.
#[post("/events")]
#[idempotent(key = "{event.id}")]
async fn unnumbered_event(event: Json<Event>, handler: Data<ControlledHandler>) -> impl Responder {
    tracing::debug!(id = event.id, "an event");
    handler.run().await
}

#[post("/numbered-events")]
#[idempotent(key = "{event.id}", fingerprint = "none")]
async fn numbered_event(event: Json<Event>, handler: Data<ControlledHandler>) -> impl Responder {
    tracing::debug!(id = event.id, "an event");
    handler.run().await
}

async fn another_body_or_query_is_a_mismatch(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/orders?a=1&b=2").key("k").body("{\"n\":1}").send().await;
    for (path, body) in [
        ("/orders?a=1&b=2", "{\"n\":2}"),
        ("/orders?a=1&b=2", "{\"n\": 1}"),
        ("/orders?a=1&b=2", ""),
        ("/orders?b=2&a=1", "{\"n\":1}"),
        ("/orders?a=1&b=2&b=2", "{\"n\":1}"),
        ("/orders?a=1", "{\"n\":1}"),
        ("/orders", "{\"n\":1}"),
    ] {
        let reply = shop.post(path).key("k").body(body).send().await;
        reply.is_problem(422, "key-reused");
    }
    assert!(shop.post("/orders?a=1&b=2").key("k").body("{\"n\":1}").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

/// The order of the pairs counts, since the handler gets them in this order.
async fn queries_that_a_parser_might_confuse_are_told_apart(backend: Backend) {
    let shop = Shop::open(backend);
    let queries = ["a=&a=b&c=", "a=&b=c&b=", "a=b", "a=b%26", "a=b&a=b", "b=a", "a", "a=%2562", ""];
    for (n, first) in queries.into_iter().enumerate() {
        let send = |query| shop.post(&format!("/orders?{query}")).key(&format!("k{n}")).send();
        assert_eq!(send(first).await.status, 201, "{first}");
        for other in queries.into_iter().filter(|other| *other != first) {
            send(other).await.is_problem(422, "key-reused");
        }
        assert!(send(first).await.is_replay(), "{first}");
    }
}

async fn another_method_or_path_is_another_request(backend: Backend) {
    let shop = Shop::open(backend);
    let url = |path: &str| format!("http://{}{path}", shop.server.address());
    let mut bodies = vec![
        shop.post("/orders").key("k").send().await.body,
        Sender::new(reqwest::Method::PUT, url("/orders")).key("k").send().await.body,
        shop.post("/orders/1/items").key("k").send().await.body,
        shop.post("/orders/2/items").key("k").send().await.body,
        shop.post("/waiting").key("k").send().await.body,
    ];
    bodies.sort();
    assert_eq!(bodies, ["run 1", "run 2", "run 3", "run 4", "run 5"]);
}

/// Invariant S6.
async fn a_mismatch_never_shows_the_first_response(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| actix_web::HttpResponse::Created().body("for the first alone"));
    shop.post("/orders").key("k").body("one").send().await;
    let other = shop.post("/orders").key("k").body("two").send().await;
    other.is_problem(422, "key-reused");
    assert!(!String::from_utf8_lossy(&other.body).contains("for the first alone"));
}

async fn a_template_of_parameters_can_be_the_fingerprint(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |body: &'static str| {
        shop.post("/by-fingerprint").key("k").header("Content-Type", "application/json").body(body)
    };
    send("{\"sku\":\"a\"}").send().await;
    assert!(send("{ \"sku\": \"a\", \"note\": 1 }").send().await.is_replay());
    send("{\"sku\":\"b\"}").send().await.is_problem(422, "key-reused");
}

async fn a_template_of_parameters_can_be_the_key(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |sku: &str, part: &str| {
        shop.post(&format!("/by-template/{part}"))
            .header("Content-Type", "application/json")
            .body(format!("{{\"sku\":\"{sku}\"}}"))
            .send()
    };
    assert_eq!(send("ab", "c").await.body, "run 1");
    assert!(send("ab", "c").await.is_replay());
    assert_eq!(send("a", "bc").await.body, "run 2", "segments do not run together");
    send("", "c").await.is_problem(400, "key-missing");
    send(&"x".repeat(1025), "c").await.is_problem(400, "key-invalid");
}

async fn a_template_reads_every_part_of_the_request(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |path: &str, cookie: &str, part: &str| {
        shop.post(path).header("Cookie", cookie).header("X-Part", part).send()
    };
    let base = send("/by-sources/1?q=a", "sid=s; other=o", "p").await;
    assert!(send("/by-sources/1?q=a", "sid=s", "p").await.is_replay());
    for (path, cookie, part) in [
        ("/by-sources/2?q=a", "sid=s", "p"),
        ("/by-sources/1?q=b", "sid=s", "p"),
        ("/by-sources/1?q=a", "sid=t", "p"),
        ("/by-sources/1?q=a", "sid=s", "P"),
    ] {
        assert!(!send(path, cookie, part).await.is_replay(), "{path} {cookie} {part}");
    }
    for (path, cookie, part, kind) in [
        ("/by-sources/1", "sid=s", "p", "key-missing"),
        ("/by-sources/1?q=", "sid=s", "p", "key-missing"),
        ("/by-sources/1?q=a&q=a", "sid=s", "p", "key-invalid"),
        ("/by-sources/1?q=a", "other=o", "p", "key-missing"),
        ("/by-sources/1?q=a", "sid=s; sid=t", "p", "key-invalid"),
        ("/by-sources/1?q=a", "sid=s", "", "key-missing"),
    ] {
        send(path, cookie, part).await.is_problem(400, kind);
    }
    assert_eq!(base.status, 201);
}

async fn a_form_field_can_be_the_key(backend: Backend) {
    let shop = Shop::open(backend);
    let form = "application/x-www-form-urlencoded";
    let send = |kind: &str, body: &'static str| {
        shop.post("/by-form").header("Content-Type", kind).body(body).send()
    };
    assert_eq!(send(form, "token=a%20b&x=1").await.body, "run 1");
    assert!(
        send("application/x-www-form-urlencoded; charset=utf-8", "x=2&token=a+b").await.is_replay()
    );
    assert_eq!(send(form, "token=c").await.body, "run 2");
    send(form, "x=1").await.is_problem(400, "key-missing");
    send(form, "token=a&token=a").await.is_problem(400, "key-invalid");
    send("text/plain", "token=a").await.is_problem(400, "key-missing");
}

async fn an_event_whose_body_differs_each_time_is_refused_and_told_why(backend: Backend) {
    let idempotency = guard(&backend).build().expect("settings that fit");
    let handler = ControlledHandler::new();
    let server = Server::start(&idempotency, &handler, |app| {
        app.service(unnumbered_event).service(numbered_event);
    });
    let deliver = |path: &str, attempt: u8| {
        server.post(path).json(&json!({"id": "e7", "attempt": attempt})).send()
    };
    assert_eq!(deliver("/events", 1).await.status, 201);
    let refused = deliver("/events", 2).await;
    refused.is_problem(422, "key-reused");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("`fingerprint = \"none\"` or a template"), "{detail}");
    assert_eq!(deliver("/numbered-events", 1).await.status, 201);
    assert!(deliver("/numbered-events", 2).await.is_replay());
    assert_eq!(handler.runs(), 2);
}
