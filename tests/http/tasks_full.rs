//! An app that has as many unfinished tasks as it takes.

use crate::{guard, routes};
use actix_web::web::Data;
use actix_web::{App, test};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Server};

/// Tasks are listed in eight records of 512 each, by their keys: one of so many finds its list full.
const TOO_MANY: usize = 8 * 512 + 1;

#[actix_web::test]
async fn one_task_too_many_is_refused_until_there_is_room() {
    let (backend, handler) = (Backend::memory().await, ControlledHandler::new());
    let idempotency = guard(&backend).build().expect("settings that fit");
    let app = App::new().app_data(idempotency.clone()).app_data(Data::new(handler.clone()));
    // So many requests are made without a connection.
    let app = test::init_service(app.configure(routes::all)).await;
    let mut locations = Vec::new();
    let too_many = loop {
        let key = locations.len();
        assert!(key < TOO_MANY, "none is refused");
        let request = test::TestRequest::post().uri("/reports");
        let request = request.insert_header(("Authorization", "Bearer alice"));
        let request = request.insert_header(("Idempotency-Key", key)).to_request();
        let reply = test::call_service(&app, request).await;
        if reply.status() != 202 {
            break key.to_string();
        }
        let location = reply.headers().get("Location").expect("an address");
        locations.push(location.to_str().expect("text").to_owned());
    };

    let server = Server::start(&idempotency, &handler, routes::all);
    let send = |key: &str| server.post("/reports").key(key).send();
    let refused = send(&too_many).await;
    refused.is_problem(503, "too-many-tasks");
    assert_eq!(refused.header("Retry-After"), Some("10"));
    assert_eq!(refused.json()["retryable"], true);
    let known = send("0").await;
    assert_eq!((known.status, known.is_replay()), (202, true), "it was promised before");

    let mut cancelled = locations.iter();
    let first = loop {
        let location = cancelled.next().expect("one of them is in the same list");
        assert_eq!(server.send(Method::DELETE, location).send().await.status, 200);
        let reply = send(&too_many).await;
        if reply.status != 503 {
            break reply;
        }
    };
    assert_eq!((first.status, first.is_replay(), handler.runs()), (202, false, 0));
}
