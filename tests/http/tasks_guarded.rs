//! Tasks whose routes have guards of actix: a run reaches its handler, or the task is refused.

use crate::{Shop, tasks::accepted};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, guard, post};
use idempotent_runtime::idempotent;
use idempotent_runtime::task::{TaskRunner, task_routes};
use serde_json::json;
use tests::{Backend, ControlledHandler, Server, eventually};

on_every_store! {
    a_task_behind_a_guard_of_its_host_runs,
    a_task_behind_a_guard_of_a_header_runs,
    a_task_that_reaches_no_handler_is_not_promised,
    without_a_runner_a_task_is_promised_for_others,
}

type Handler = Data<ControlledHandler>;

#[post("/guarded")]
#[idempotent(strategy = "async", task_headers = "X-Kind, X-Absent")]
async fn guarded(handler: Handler, number: web::Json<u32>) -> impl Responder {
    drop(handler.run().await);
    HttpResponse::Ok().json(*number)
}

/// The process that accepts tasks also runs them, with the same routes.
fn open(backend: Backend, routes: fn(&mut ServiceConfig)) -> (Shop, TaskRunner) {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.handler, move |app| {
        routes(app);
        app.service(task_routes("/tasks"));
    });
    let handler = shop.handler.clone();
    let runner = TaskRunner::start(&shop.idempotency, move |app| {
        routes(app);
        app.app_data(Data::new(handler));
    });
    (shop, runner.expect("a thread"))
}

async fn a_task_behind_a_guard_of_its_host_runs(backend: Backend) {
    let (shop, _runner) = open(backend, |app| {
        app.service(web::scope("").guard(guard::Host("shop.example")).service(guarded));
    });
    let sent = shop.post("/guarded").key("k").only("host", "shop.example:8080").json(&json!(7));
    let address = accepted(&sent.send().await);
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], 7);
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_task_behind_a_guard_of_a_header_runs(backend: Backend) {
    let (shop, _runner) = open(backend, |app| {
        app.service(web::scope("").guard(guard::Header("x-kind", "report")).service(guarded));
    });
    let sent = shop.post("/guarded").key("k").header("X-Kind", "report").json(&json!(7));
    let address = accepted(&sent.send().await);
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], 7);
    assert_eq!(shop.handler.runs(), 1);
}

/// The guard or the middleware reads a header that is not stored: the run would be refused.
async fn a_task_that_reaches_no_handler_is_not_promised(backend: Backend) {
    let (shop, _runner) = open(backend, |app| {
        let by_key = guard::fn_guard(|at| at.head().headers().contains_key("idempotency-key"));
        app.service(web::scope("/keyed").guard(by_key).service(guarded)).service(guarded);
    });
    for key in ["a", "a", "b"] {
        let sent = shop.post("/keyed/guarded").key(key).json(&json!(7));
        sent.send().await.is_problem(500, "misconfigured");
    }
    assert!(shop.backend.store.everything().await.is_empty(), "nothing was stored");
    // A route that no run reaches does not affect another one.
    let address = accepted(&shop.post("/guarded").key("k").json(&json!(7)).send().await);
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.handler.runs(), 1, "no trial runs a handler");
}

async fn without_a_runner_a_task_is_promised_for_others(backend: Backend) {
    let (shop, runner) = open(backend, |app| {
        let by_key = guard::fn_guard(|at| at.head().headers().contains_key("idempotency-key"));
        app.service(web::scope("").guard(by_key).service(guarded));
    });
    let send = |key| shop.post("/guarded").key(key).json(&json!(7)).send();
    send("a").await.is_problem(500, "misconfigured");
    drop(runner);
    eventually("the runner ended", async || {
        let reply = send("a").await;
        (reply.status == 202).then_some(())
    })
    .await;
}
