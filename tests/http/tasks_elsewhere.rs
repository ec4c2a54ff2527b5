//! Tasks that meet an app, or a version of it, other than the one that took them in.

use crate::tasks::accepted;
use crate::{Shop, guard};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, post};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::{Idempotency, TaskRunner, idempotent, task_routes};
use serde_json::json;
use tests::{Backend, Server, Stage};

on_every_store! {
    a_task_that_an_app_has_no_handler_for_is_left_to_others,
    arguments_that_cannot_be_restored_are_the_end_of_a_task,
    a_guarded_scope_lets_its_tasks_through,
    without_an_address_no_task_is_taken_in,
}

type Hand = Data<Stage>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

#[post("/counted")]
#[idempotent(strategy = "async", operation = "counted")]
async fn counted(stage: Hand, number: web::Json<u32>) -> impl Responder {
    drop(stage.perform().await);
    HttpResponse::Ok().json(*number)
}

/// The same operation in a later version.
mod later {
    use super::*;

    #[post("/counted")]
    #[idempotent(strategy = "async", operation = "counted")]
    pub(super) async fn counted(stage: Hand, names: web::Json<Vec<String>>) -> impl Responder {
        drop(stage.perform().await);
        HttpResponse::Ok().json(names)
    }
}

/// Another operation at the same address.
mod other {
    use super::*;

    #[post("/counted")]
    #[idempotent(strategy = "async", operation = "weighed")]
    pub(super) async fn counted(stage: Hand, number: web::Json<u32>) -> impl Responder {
        drop(stage.perform().await);
        HttpResponse::Ok().json(*number)
    }
}

fn run(
    idempotency: &Idempotency,
    stage: &Stage,
    routes: impl FnOnce(&mut ServiceConfig) + Send + 'static,
) -> TaskRunner {
    let stage = stage.clone();
    idempotency.run_tasks(move |app| {
        app.app_data(Data::new(stage)).configure(routes);
    })
}

/// A server that takes these tasks in, and runs none.
fn open(backend: Backend) -> Shop {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.stage, |app| {
        app.service(counted).service(task_routes("/tasks"));
    });
    shop
}

async fn a_task_that_an_app_has_no_handler_for_is_left_to_others(backend: Backend) {
    let shop = open(backend);
    let address = accepted(&shop.post("/counted").key("k").json(&json!(7)).send().await);
    let [without, with_another, with_it] =
        [(); 3].map(|()| guard(&shop.backend).build().expect("settings that fit"));

    // Its own stage: here nothing is to be seen but that the task came by.
    let met = Stage::new();
    let _without = run(&without, &met, |app| {
        let missing = |met: Hand| async move { met.perform().await };
        app.default_service(web::to(missing));
    });
    met.runs_reach(1).await;
    let _another = run(&with_another, &shop.stage, |app| {
        app.service(other::counted);
    });
    assert_eq!(shop.show(&address).await["status"], "pending");

    let _runner = run(&with_it, &shop.stage, |app| {
        app.service(counted);
    });
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], 7);
    assert_eq!(shop.stage.runs(), 1);
}

async fn arguments_that_cannot_be_restored_are_the_end_of_a_task(backend: Backend) {
    let shop = open(backend);
    let address = accepted(&shop.post("/counted").key("k").json(&json!(7)).send().await);
    let _runner = run(&shop.idempotency, &shop.stage, |app| {
        app.service(later::counted);
    });
    let task = shop.is(&address, "failed").await;
    assert_eq!(task["result"]["status"], 500);
    let told = task["result"]["body"].as_str().unwrap();
    assert!(told.contains("another version"), "{told}");
    assert_eq!(shop.stage.runs(), 0);
}

async fn a_guarded_scope_lets_its_tasks_through(backend: Backend) {
    let mut shop = Shop::open(backend);
    let guard = shop.idempotency.clone();
    let routes = move |app: &mut ServiceConfig| {
        let scope = web::scope("/guarded").wrap(guard.middleware(&WRITES));
        app.service(scope.service(counted)).service(task_routes("/all/tasks"));
    };
    shop.server = Server::start(&shop.idempotency, &shop.stage, routes.clone());
    let _runner = run(&shop.idempotency, &shop.stage, routes);
    let reply = shop.post("/guarded/counted").key("k").json(&json!(7)).send().await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let address = reply.header("Location").unwrap().to_owned();
    assert!(address.starts_with("/all/tasks/"), "{address}");
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.stage.runs(), 1);
}

async fn without_an_address_no_task_is_taken_in(backend: Backend) {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.stage, |app| {
        app.service(counted);
    });
    let reply = shop.post("/counted").key("k").json(&json!(7)).send().await;
    reply.is_problem(500, "misconfigured");
    assert!(shop.backend.store.everything().await.is_empty());
}
