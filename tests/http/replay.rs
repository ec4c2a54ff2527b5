//! Stored answers and their replays.

use crate::Shop;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use std::time::Duration;
use tests::Backend;

on_every_store! {
    without_a_key_an_optional_one_runs_every_time,
    a_key_runs_once_and_replays,
    another_request_in_between_changes_nothing,
    after_the_ttl_it_runs_again,
    failures_that_may_pass_are_not_stored,
    answers_that_would_repeat_are_stored,
    a_handler_can_store_everything,
    every_kind_of_response_replays_exactly,
    repeated_headers_replay_and_cookies_never_do,
    named_headers_replay,
    no_store_is_about_caches,
    a_duplicate_can_be_rejected,
    a_handler_decides_for_one_response,
    an_app_adds_to_each_replay_and_to_nothing_else,
    a_replay_whose_additions_panic_is_sent_without_them,
}

const ADDED: HeaderName = HeaderName::from_static("x-added");

async fn without_a_key_an_optional_one_runs_every_time(backend: Backend) {
    let shop = Shop::open(backend);
    for run in 1..=2 {
        let reply = shop.post("/optional").send().await;
        assert_eq!((reply.status, reply.body), (201, Bytes::from(format!("run {run}"))));
    }
    let keyed = shop.post("/optional").key("k").send().await;
    assert_eq!(shop.post("/optional").key("k").send().await.body, keyed.body);
    assert_eq!(shop.handler.runs(), 3);
}

async fn a_key_runs_once_and_replays(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| {
        HttpResponse::Created()
            .insert_header(("Location", "/orders/7"))
            .insert_header(("ETag", "\"1\""))
            .insert_header(("X-Request-Id", "not replayed"))
            .json(run)
    });
    let first = shop.post("/orders").key("k").body("order").send().await;
    let second = shop.post("/orders").key("k").body("order").send().await;
    assert_eq!(shop.handler.runs(), 1);
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    for header in ["Content-Type", "Location", "ETag"] {
        assert!(first.header(header).is_some());
        assert_eq!(first.header(header), second.header(header), "{header}");
    }
    assert!(!first.is_replay() && second.is_replay());
    assert_eq!(first.header("Cache-Control"), None);
    assert_eq!(second.header("Cache-Control"), Some("no-store"));
    assert_eq!(
        (first.header("X-Request-Id"), second.header("X-Request-Id")),
        (Some("not replayed"), None)
    );
    assert_eq!(first.header("Idempotency-Stored"), None);
}

async fn another_request_in_between_changes_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let first = shop.post("/orders").key("one").send().await;
    shop.post("/orders").key("two").send().await;
    let again = shop.post("/orders").key("one").send().await;
    assert_eq!((again.is_replay(), again.body), (true, first.body));
}

async fn after_the_ttl_it_runs_again(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/short").key("k").send().await;
    assert!(shop.post("/short").key("k").send().await.is_replay());
    shop.backend.pass(Duration::from_secs(1)).await;
    let reply = shop.post("/short").key("k").send().await;
    assert_eq!((reply.is_replay(), &reply.body[..]), (false, &b"run 2"[..]));
}

async fn failures_that_may_pass_are_not_stored(backend: Backend) {
    let shop = Shop::open(backend);
    for status in [500, 502, 503, 504, 429, 425, 408, 401, 403] {
        let key = status.to_string();
        let code = StatusCode::from_u16(status).unwrap();
        let before = shop.handler.runs();
        shop.handler.answers(move |run| {
            HttpResponse::build(if run == before + 1 { code } else { StatusCode::CREATED }).finish()
        });
        assert_eq!(shop.post("/orders").key(&key).send().await.status, status);
        let retry = shop.post("/orders").key(&key).send().await;
        assert_eq!((retry.status, retry.is_replay()), (201, false), "after {status}");
        let replay = shop.post("/orders").key(&key).send().await;
        assert_eq!((replay.status, replay.is_replay()), (201, true));
    }
}

async fn answers_that_would_repeat_are_stored(backend: Backend) {
    let shop = Shop::open(backend);
    for status in [400, 404, 409, 410, 422, 303, 200, 202] {
        let key = status.to_string();
        let code = StatusCode::from_u16(status).unwrap();
        shop.handler.answers(move |run| HttpResponse::build(code).body(format!("{run}")));
        let first = shop.post("/orders").key(&key).send().await;
        let second = shop.post("/orders").key(&key).send().await;
        assert_eq!((first.status, second.status), (status, status));
        assert_eq!((second.is_replay(), first.body), (true, second.body), "after {status}");
    }
}

async fn a_handler_can_store_everything(backend: Backend) {
    let shop = Shop::open(backend);
    for (status, stored) in [(503, true), (404, true), (409, false)] {
        let code = StatusCode::from_u16(status).unwrap();
        shop.handler.answers(move |_| HttpResponse::build(code).finish());
        let key = status.to_string();
        shop.post("/everything-stored").key(&key).send().await;
        let second = shop.post("/everything-stored").key(&key).send().await;
        assert_eq!((second.status, second.is_replay()), (status, stored));
    }
}

async fn every_kind_of_response_replays_exactly(backend: Backend) {
    let shop = Shop::open(backend);
    let binary: Bytes = (0..=255).cycle().take(70_000).collect::<Vec<u8>>().into();
    let limit = Bytes::from(vec![b'x'; 2 << 20]);
    let falsy = [Bytes::new(), "0".into(), "\"\"".into(), "false".into(), "null".into()];
    let bodies = [binary, limit].into_iter().chain(falsy);
    for (n, body) in bodies.enumerate() {
        let sent = body.clone();
        shop.handler.answers(move |_| {
            HttpResponse::Ok().content_type("application/octet-stream").body(sent.clone())
        });
        replays(&shop, &format!("body-{n}"), 200, &body).await;
    }
    shop.handler.answers(|_| HttpResponse::NoContent().finish());
    replays(&shop, "204", 204, b"").await;
    shop.handler.answers(|_| HttpResponse::Ok().finish());
    replays(&shop, "empty", 200, b"").await;
    shop.handler.answers(|_| HttpResponse::SeeOther().insert_header(("Location", "/x")).finish());
    replays(&shop, "303", 303, b"").await;
    let latin: &[u8] = b"caf\xe9";
    shop.handler.answers(move |_| {
        let location = HeaderValue::from_bytes(latin).unwrap();
        HttpResponse::Created().insert_header(("Content-Location", location)).finish()
    });
    replays(&shop, "latin", 201, b"").await;
}

async fn replays(shop: &Shop, key: &str, status: u16, body: &[u8]) {
    let first = shop.post("/orders").key(key).send().await;
    let second = shop.post("/orders").key(key).send().await;
    assert_eq!((first.status, second.status), (status, status), "{key}");
    assert!(first.body == body && second.body == body, "{key}");
    assert!(second.is_replay() && first.header("Idempotency-Stored").is_none(), "{key}");
    for header in ["Content-Type", "Location", "Content-Location"] {
        assert_eq!(first.lines(header), second.lines(header), "{key}: {header}");
    }
}

async fn repeated_headers_replay_and_cookies_never_do(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| {
        HttpResponse::Ok()
            .append_header(("Link", "</a>; rel=next"))
            .append_header(("Link", "</b>; rel=prev"))
            .append_header(("Set-Cookie", "sid=secret"))
            .append_header(("WWW-Authenticate", "Bearer"))
            .finish()
    });
    let first = shop.post("/orders").key("k").send().await;
    let second = shop.post("/orders").key("k").send().await;
    assert_eq!(second.lines("Link"), [&b"</a>; rel=next"[..], b"</b>; rel=prev"]);
    assert_eq!(first.lines("Set-Cookie").len(), 1);
    assert!(second.lines("Set-Cookie").is_empty());
    assert!(second.lines("WWW-Authenticate").is_empty());
    let record = shop.backend.store.record().await;
    assert!(!record.value.windows(6).any(|bytes| bytes == b"secret"), "nothing secret is stored");
}

async fn named_headers_replay(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| {
        HttpResponse::Ok()
            .append_header(("X-Total", "7"))
            .append_header(("X-Page", "1"))
            .append_header(("X-Page", "2"))
            .append_header(("X-Other", "3"))
            .append_header(("X-Request-Id", "7"))
            .append_header(("X-Api-Key", "7"))
            .append_header(("Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
            .finish()
    });
    shop.post("/extra-headers").key("k").send().await;
    let second = shop.post("/extra-headers").key("k").send().await;
    assert_eq!(second.header("X-Total"), Some("7"));
    assert_eq!(second.lines("X-Page"), [b"1", b"2"]);
    assert_eq!(second.header("X-Other"), None);
    assert_eq!(second.header("X-Request-Id"), Some("7"));
    assert_eq!(second.header("Date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(second.header("X-Api-Key"), None);
}

async fn no_store_is_about_caches(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| {
        HttpResponse::Ok().insert_header(("Cache-Control", "no-store, private")).json(run)
    });
    shop.post("/orders").key("k").send().await;
    let second = shop.post("/orders").key("k").send().await;
    assert_eq!((second.is_replay(), shop.handler.runs()), (true, 1));
}

async fn a_duplicate_can_be_rejected(backend: Backend) {
    let shop = Shop::open(backend);
    let first = shop.post("/rejecting").key("k").send().await;
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, None));
    shop.post("/rejecting").key("k").send().await.is_problem(409, "duplicate");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_handler_decides_for_one_response(backend: Backend) {
    use idempotent_runtime::response::StoreResponse;
    let shop = Shop::open(backend);
    shop.handler.answers(|run| {
        let mut response =
            HttpResponse::build(StatusCode::from_u16(if run == 1 { 200 } else { 503 }).unwrap())
                .finish();
        let choice = if run == 1 { StoreResponse::No } else { StoreResponse::Yes };
        response.extensions_mut().insert(choice);
        response
    });
    let statuses = [200, 503, 503];
    for (n, status) in statuses.into_iter().enumerate() {
        let reply = shop.post("/orders").key("k").send().await;
        assert_eq!((reply.status, reply.is_replay()), (status, n == 2));
    }
    assert_eq!(shop.handler.runs(), 2);
}

async fn an_app_adds_to_each_replay_and_to_nothing_else(backend: Backend) {
    let shop = Shop::with(backend, |builder| {
        builder.on_replay(|request, response| {
            let path = HeaderValue::from_str(request.path()).expect("a path");
            response.headers_mut().append(ADDED, path);
        })
    });
    for added in [None, Some("/orders"), Some("/orders")] {
        let reply = shop.post("/orders").key("k").send().await;
        assert_eq!((reply.status, &*reply.body), (201, &b"run 1"[..]));
        assert_eq!((reply.header("X-Added"), reply.is_replay()), (added, added.is_some()));
    }
    for added in [None, Some("/reports")] {
        let reply = shop.post("/reports").key("k").send().await;
        assert_eq!((reply.status, reply.header("X-Added")), (202, added));
    }
    let refused = shop.post("/orders").send().await;
    refused.is_problem(400, "key-missing");
    assert_eq!(refused.header("X-Added"), None);
}

async fn a_replay_whose_additions_panic_is_sent_without_them(backend: Backend) {
    let shop = Shop::with(backend, |builder| {
        builder.on_replay(|_, response| {
            response.headers_mut().append(ADDED, HeaderValue::from_static("half"));
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            panic!("as the test asked");
        })
    });
    let first = shop.post("/orders").key("k").send().await;
    let again = shop.post("/orders").key("k").send().await;
    assert!(again.is_replay());
    assert_eq!((again.status, &again.body, again.header("X-Added")), (201, &first.body, None));
}
