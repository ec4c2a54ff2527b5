//! The problems that a client gets.

use crate::{Shop, guard};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpResponse, Responder, get, post};
use futures_util::future::join_all;
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::response::ProblemKind;
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Log, Server};

on_every_store! {
    an_app_renders_problems_its_own_way,
    an_app_leaves_what_it_does_not_render_to_the_default,
    an_app_chooses_the_types_of_problems,
    a_message_replaces_the_detail_of_duplicates_alone,
    a_problem_names_its_path,
    a_panic_is_retryable_where_the_next_request_runs,
    a_rendering_that_panics_is_done_without,
    an_app_that_is_built_wrongly_is_told_of_in_its_own_words,
}

/// Its key does not read a parameter of the path.
#[get("/views/{id}")]
#[idempotent(strategy = "cache", key = "{query.view}", ttl = "1m")]
async fn view() -> impl Responder {
    "a view"
}

/// A handler with an extractor of this crate, but without a guard.
#[post("/unguarded")]
async fn unguarded(attempt: Attempt) -> impl Responder {
    attempt.number().to_string()
}

async fn an_app_renders_problems_its_own_way(backend: Backend) {
    let shop = Shop::with(backend, |builder| {
        builder.on_error(|request, problem| {
            HttpResponse::build(problem.kind.status()).json((
                problem.kind.name(),
                request.path(),
                problem.retry_after,
            ))
        })
    });
    let reply = shop.post("/orders").send().await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json(), serde_json::json!(["key-missing", "/orders", null]));
    // A client still recognises the problem, by its header.
    assert_eq!(reply.header("Idempotency-Problem"), Some("key-missing"));
}

async fn an_app_leaves_what_it_does_not_render_to_the_default(backend: Backend) {
    let prefix = "https://api.example/problems/";
    let shop = Shop::with(backend, |builder| {
        builder.problem_types(prefix).on_error(|request, problem| match problem.kind {
            ProblemKind::KeyInvalid => HttpResponse::ImATeapot().finish(),
            _ => problem.default_response(request),
        })
    });
    assert_eq!(shop.post("/orders").key("\"open").send().await.status, 418);
    let reply = shop.post("/orders").send().await;
    reply.is_problem(400, "key-missing");
    assert_eq!(reply.json()["type"], format!("{prefix}key-missing"));
    let page = shop.post("/orders").header("Accept", "text/html").send().await;
    assert_eq!((page.status, page.header("Idempotency-Problem")), (400, Some("key-missing")));
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
}

async fn an_app_chooses_the_types_of_problems(backend: Backend) {
    let shop =
        Shop::with(backend, |builder| builder.problem_types("https://api.example/problems/"));
    let reply = shop.post("/orders").send().await;
    assert_eq!(reply.json()["type"], "https://api.example/problems/key-missing");
}

async fn a_message_replaces_the_detail_of_duplicates_alone(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/messages").key("k").send());
    shop.handler.runs_reach(1).await;
    let ours = "重复的请求 (duplicate request)";
    let in_flight = shop.post("/messages").key("k").send().await;
    shop.handler.resume();
    first.await.unwrap();
    let finished = shop.post("/messages").key("k").send().await;
    in_flight.is_problem(409, "in-progress");
    finished.is_problem(409, "duplicate");
    assert_eq!(
        (&in_flight.json()["detail"], &finished.json()["detail"]),
        (&ours.into(), &ours.into())
    );
    let missing = shop.post("/messages").send().await;
    assert_ne!(missing.json()["detail"], ours);
}

async fn a_problem_names_its_path(backend: Backend) {
    let shop = Shop::open(backend);
    let reply = shop.post("/orders?secret=1").send().await;
    assert_eq!(reply.json()["instance"], "/orders", "without the query, which may hold secrets");
}

async fn a_panic_is_retryable_where_the_next_request_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| panic!("as the test asked"));
    for (path, retryable) in [("/orders", true), ("/holding", false)] {
        let reply = shop.post(path).key("k").send().await;
        reply.is_problem(500, "handler-panicked");
        assert_eq!(reply.json()["retryable"], retryable, "{path}");
    }
}

async fn a_rendering_that_panics_is_done_without(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.on_error(|_, _| panic!("no words for it")));
    shop.post("/orders").send().await.is_problem(400, "key-missing");
    shop.handler.answers(|_| panic!("as the test asked"));
    shop.post("/orders").key("k").send().await.is_problem(500, "handler-panicked");
}

async fn an_app_that_is_built_wrongly_is_told_of_in_its_own_words(backend: Backend) {
    let routes = |app: &mut ServiceConfig| {
        app.service(view).service(unguarded);
    };
    let replies = async |idempotency| {
        let server = Server::start(&idempotency, &ControlledHandler::new(), routes);
        let requests = [(Method::GET, "/views/7?view=full"), (Method::POST, "/unguarded")];
        join_all(requests.map(|(method, path)| server.send(method, path).send())).await
    };
    let typed = guard(&backend).problem_types("https://api.example/problems/");
    for reply in replies(typed.build().expect("settings that fit")).await {
        assert_eq!(reply.status, 500);
        assert_eq!(reply.json()["type"], "https://api.example/problems/misconfigured");
    }
    let rendered = guard(&backend).on_error(|_, problem| {
        HttpResponse::build(problem.kind.status()).body(format!("sorry: {}", problem.kind.name()))
    });
    for reply in replies(rendered.build().expect("settings that fit")).await {
        assert_eq!((reply.status, &reply.body[..]), (500, &b"sorry: misconfigured"[..]));
        assert_eq!(reply.header("Idempotency-Problem"), Some("misconfigured"));
    }
}

#[actix_web::test]
async fn an_app_whose_handlers_find_no_guard_is_told_what_to_write() {
    let log = Log::listen();
    let builder = || Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
    let built = || builder().build().expect("settings that fit");
    let told = |path: &str| {
        let lines = log.lines(&format!("path=\"{path}\""));
        let [line] = &lines[..] else { panic!("one line: {lines:?}") };
        line.clone()
    };
    let request = |path: &str| TestRequest::get().uri(path).to_request();

    let wrapped = App::new().app_data(Data::new(built())).service(view);
    let answer = call_service(&init_service(wrapped).await, request("/views/wrapped")).await;
    assert_eq!(answer.status(), 500);
    let line = told("/views/wrapped");
    assert!(line.contains("write `.app_data(idempotency.clone())`, without `web::Data`"), "{line}");

    let answer =
        call_service(&init_service(App::new().service(view)).await, request("/views/none")).await;
    assert_eq!(answer.status(), 500);
    let line = told("/views/none");
    assert!(line.contains("add `.app_data(idempotency.clone())` to the `App`"), "{line}");
}
