//! Tasks whose routes have guards of actix: a run reaches its handler, or is not promised.

use crate::{Shop, tasks::accepted};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, guard, post};
use idempotent_runtime::idempotent;
use idempotent_runtime::task::{TaskRunner, task_routes};
use serde_json::json;
use tests::{Backend, ControlledHandler, Server};

on_every_store! {
    a_task_behind_a_guard_of_its_host_runs,
    a_task_behind_a_guard_of_a_header_runs,
}

type Handler = Data<ControlledHandler>;

#[post("/guarded")]
#[idempotent(strategy = "async", task_headers = "X-Kind, X-Absent")]
async fn guarded(handler: Handler, number: web::Json<u32>) -> impl Responder {
    drop(handler.run().await);
    HttpResponse::Ok().json(*number)
}

/// The process that takes tasks in runs them, too, by the same routes.
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
