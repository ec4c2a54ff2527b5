//! The route for readiness probes.

use crate::Shop;
use idempotent_runtime::health::health_route;
use idempotent_runtime::{Idempotency, RedisStore, Scope};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tests::{Backend, ControlledHandler, RedisServer, Reply, Server};

on_every_store! {
    a_process_is_ready_while_its_store_answers,
    a_process_that_drains_is_not_ready,
}

fn shop(backend: Backend) -> Shop {
    Shop::serving(
        backend,
        |builder| builder,
        |_, config| {
            config.route("/health", health_route());
        },
    )
}

async fn asked(server: &Server, method: Method) -> Reply {
    server.send(method, "/health").send().await
}

async fn a_process_is_ready_while_its_store_answers(backend: Backend) {
    let shop = shop(backend);
    for is_down in [false, true, false] {
        shop.backend.store.set_down(is_down);
        let reply = asked(&shop.server, Method::GET).await;
        let told = reply.json();
        assert_eq!(reply.status, if is_down { 503 } else { 200 }, "{told}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        assert_eq!((&told["ready"], &told["draining"]), (&json!(!is_down), &json!(false)));
        let error = if is_down { json!("unavailable") } else { json!(null) };
        let store = &told["parts"][0];
        assert_eq!((&store["part"], &store["ready"]), (&json!("store"), &json!(!is_down)));
        assert_eq!(store["error"], error, "{told}");
        assert_eq!(store["name"], json!(shop.idempotency.describe_store()));
        let head = asked(&shop.server, Method::HEAD).await;
        assert_eq!((head.status, head.body.len()), (reply.status, 0));
    }
    assert_eq!(asked(&shop.server, Method::POST).await.status, 404, "it is asked by GET alone");
}

async fn a_process_that_drains_is_not_ready(backend: Backend) {
    let shop = shop(backend);
    shop.idempotency.drain(Duration::ZERO).await;
    let reply = asked(&shop.server, Method::GET).await;
    let told = reply.json();
    assert_eq!((reply.status, &told["draining"]), (503, &json!(true)), "{told}");
    assert_eq!(told["parts"][0]["ready"], json!(true), "its store answers: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_weakens_a_promise_is_told_and_is_no_reason_to_wait() {
    let server = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let app = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    let server = Server::start(&app, &ControlledHandler::new(), |config| {
        config.route("/health", health_route());
    });
    let reply = asked(&server, Method::GET).await;
    let told = reply.json();
    assert_eq!((reply.status, &told["ready"]), (200, &json!(true)), "{told}");
    let found = &told["findings"][0];
    assert_eq!(found["severity"], "warning", "{told}");
    assert!(found["message"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    assert!(found["help"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
}
