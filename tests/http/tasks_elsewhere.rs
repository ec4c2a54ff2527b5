//! Tasks that another app, or another version of the app, accepted.

use crate::tasks::accepted;
use crate::{Shop, guard};
use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder, post};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::task::{TaskArgument, TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, MemoryStore, Middleware, Scope, idempotent};
use serde::Serialize;
use serde_json::json;
use std::future::{Ready, ready};
use tests::{Backend, ControlledHandler, Log, Server, eventually};
use tokio::sync::watch;

on_every_store! {
    a_task_that_an_app_has_no_handler_for_is_left_to_others,
    a_task_whose_arguments_an_app_cannot_restore_is_left_to_others,
    arguments_in_another_order_are_no_others,
    a_guarded_scope_lets_its_tasks_through,
    without_an_address_no_task_is_taken_in,
}

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

#[post("/counted")]
#[idempotent(strategy = "async", operation = "counted")]
async fn counted(handler: Handler, number: web::Json<u32>) -> impl Responder {
    drop(handler.run().await);
    HttpResponse::Ok().json(*number)
}

/// The same operation in a version with other arguments.
mod later {
    use super::*;

    /// The number of times that the arguments could not be restored.
    #[derive(Clone)]
    pub(super) struct Tries(pub(super) watch::Sender<usize>);

    pub(super) struct Unknown;

    impl FromRequest for Unknown {
        type Error = Error;
        type Future = Ready<Result<Self, Error>>;

        fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
            ready(Ok(Self))
        }
    }

    impl TaskArgument for Unknown {
        type Kept = ();

        fn keep(&self) -> impl Serialize {}

        fn restore((): (), request: &HttpRequest) -> Result<Self, Error> {
            let tries = request.app_data::<Tries>().expect("the test's");
            tries.0.send_modify(|tries| *tries += 1);
            Err(ErrorInternalServerError("not here"))
        }
    }

    #[post("/counted")]
    #[idempotent(strategy = "async", operation = "counted")]
    pub(super) async fn counted(_: Unknown, handler: Handler) -> impl Responder {
        handler.run().await
    }
}

#[post("/moved/{to}")]
#[idempotent(strategy = "async", operation = "moved")]
async fn moved(from: web::Json<u32>, to: web::Path<u32>) -> impl Responder {
    HttpResponse::Ok().json([*from, *to])
}

/// The same operation in a version whose parameters have another order.
mod swapped {
    use super::*;

    #[post("/moved/{to}")]
    #[idempotent(strategy = "async", operation = "moved")]
    pub(super) async fn moved(to: web::Path<u32>, from: web::Json<u32>) -> impl Responder {
        HttpResponse::Ok().json([*from, *to])
    }
}

/// Another operation at the same address.
mod other {
    use super::*;

    #[post("/counted")]
    #[idempotent(strategy = "async", operation = "weighed")]
    pub(super) async fn counted(handler: Handler, number: web::Json<u32>) -> impl Responder {
        drop(handler.run().await);
        HttpResponse::Ok().json(*number)
    }
}

fn run(
    idempotency: &Idempotency,
    handler: &ControlledHandler,
    routes: impl FnOnce(&mut ServiceConfig) + Send + 'static,
) -> TaskRunner {
    let handler = handler.clone();
    TaskRunner::start(idempotency, move |app| {
        app.app_data(Data::new(handler)).configure(routes);
    })
    .expect("a thread")
}

/// A server that accepts these tasks, and runs none.
fn open(backend: Backend) -> Shop {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.handler, |app| {
        app.service(counted).service(task_routes("/tasks"));
    });
    shop
}

async fn a_task_that_an_app_has_no_handler_for_is_left_to_others(backend: Backend) {
    let shop = open(backend);
    let address = accepted(&shop.post("/counted").key("k").json(&json!(7)).send().await);
    let [without, with_another, with_it] =
        [(); 3].map(|()| guard(&shop.backend).build().expect("settings that fit"));

    // This app has another handler there; the test only sees that the task was looked at.
    let met = ControlledHandler::new();
    let _without = run(&without, &met, |app| {
        let missing = |met: Handler| async move { met.run().await };
        app.default_service(web::to(missing));
    });
    met.runs_reach(1).await;
    let _another = run(&with_another, &shop.handler, |app| {
        app.service(other::counted);
    });
    assert_eq!(shop.show(&address).await["status"], "pending");

    let _runner = run(&with_it, &shop.handler, |app| {
        app.service(counted);
    });
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], 7);
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_task_whose_arguments_an_app_cannot_restore_is_left_to_others(backend: Backend) {
    let shop = open(backend);
    let address = accepted(&shop.post("/counted").key("k").json(&json!(7)).send().await);
    let [later, with_it] =
        [(); 2].map(|()| guard(&shop.backend).build().expect("settings that fit"));
    let tries = later::Tries(watch::Sender::new(0));
    let seen = tries.clone();
    let _later = run(&later, &shop.handler, |app| {
        app.app_data(seen).service(later::counted);
    });
    tries.0.subscribe().wait_for(|tries| *tries > 0).await.expect("it lives");
    assert_eq!(shop.show(&address).await["status"], "pending");

    let _runner = run(&with_it, &shop.handler, |app| {
        app.service(counted);
    });
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], 7);
    assert_eq!(shop.handler.runs(), 1);
}

async fn arguments_in_another_order_are_no_others(backend: Backend) {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.handler, |app| {
        app.service(moved).service(task_routes("/tasks"));
    });
    let log = Log::listen();
    let address = accepted(&shop.post("/moved/5").key("k").json(&json!(7)).send().await);
    let [swapped, with_it] =
        [(); 2].map(|()| guard(&shop.backend).build().expect("settings that fit"));
    let _swapped = run(&swapped, &shop.handler, |app| {
        app.service(swapped::moved);
    });
    // The log is shared by the tests of all stores.
    let told = "they were kept for the parameters (from, to) and not for (to, from)";
    eventually("it is told, or it ran", async || {
        let is_over = shop.show(&address).await["status"] != "pending";
        (is_over || !log.lines(told).is_empty()).then_some(())
    })
    .await;
    let _runner = run(&with_it, &shop.handler, |app| {
        app.service(moved);
    });
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], json!([7, 5]));
}

/// An app's own store panics while a runner looks for tasks that others accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_whose_store_panics_still_looks_for_tasks() {
    let shop = open(Backend::memory().await);
    let elsewhere = guard(&shop.backend).build().expect("settings that fit");
    let store = &shop.backend.store;
    store.panic_at_reads(1);
    let _runner = run(&elsewhere, &shop.handler, |app| {
        app.service(counted);
    });
    eventually("it looked", async || (store.reads_to_panic() == 0).then_some(())).await;
    let address = accepted(&shop.post("/counted").key("k").json(&json!(7)).send().await);
    shop.is(&address, "succeeded").await;
}

#[test]
fn a_runner_whose_routes_cannot_be_built_does_not_start() {
    let built = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
    let started = TaskRunner::start(&built, |_| panic!("as the test asked"));
    assert!(started.unwrap_err().to_string().contains("cannot be built"));
}

async fn a_guarded_scope_lets_its_tasks_through(backend: Backend) {
    let mut shop = Shop::open(backend);
    let guard = shop.idempotency.clone();
    let routes = move |app: &mut ServiceConfig| {
        let scope = web::scope("/guarded").wrap(Middleware::new(&guard, &WRITES));
        app.service(scope.service(counted)).service(task_routes("/all/tasks"));
    };
    shop.server = Server::start(&shop.idempotency, &shop.handler, routes.clone());
    let _runner = run(&shop.idempotency, &shop.handler, routes);
    let reply = shop.post("/guarded/counted").key("k").json(&json!(7)).send().await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let address = reply.header("Location").unwrap().to_owned();
    assert!(address.starts_with("/all/tasks/"), "{address}");
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.handler.runs(), 1);
}

async fn without_an_address_no_task_is_taken_in(backend: Backend) {
    let mut shop = Shop::open(backend);
    shop.server = Server::start(&shop.idempotency, &shop.handler, |app| {
        app.service(counted);
    });
    let reply = shop.post("/counted").key("k").json(&json!(7)).send().await;
    reply.is_problem(500, "misconfigured");
    assert!(shop.backend.store.everything().await.is_empty());
}
