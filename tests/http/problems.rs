//! How a client is told.

use crate::Shop;
use actix_web::HttpResponse;
use tests::Backend;

on_every_store! {
    an_app_renders_problems_its_own_way,
    an_app_chooses_the_types_of_problems,
    a_message_replaces_the_detail_of_duplicates_alone,
    a_problem_names_its_path,
    a_rendering_that_panics_is_done_without,
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
    // A client recognises it all the same.
    assert_eq!(reply.header("Idempotency-Problem"), Some("key-missing"));
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

async fn a_rendering_that_panics_is_done_without(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.on_error(|_, _| panic!("no words for it")));
    shop.post("/orders").send().await.is_problem(400, "key-missing");
    shop.handler.answers(|_| panic!("as the test asked"));
    shop.post("/orders").key("k").send().await.is_problem(500, "handler-panicked");
}
