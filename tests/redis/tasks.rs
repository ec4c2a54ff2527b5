//! The commands of processes that look for tasks, while another one runs them.

use crate::Shop;
use crate::monitor::Monitor;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{Responder, post, web};
use idempotent_runtime::task::{TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, RedisStore, Scope, idempotent};
use std::collections::BTreeMap;
use tests::{ControlledHandler, RedisServer, Server};

const RUNNING: usize = 60;

/// The number of looks that the test waits for. Each look reads the eight lists.
const LOOKS: usize = 8;

type Handler = Data<ControlledHandler>;

#[post("/reports")]
#[idempotent(strategy = "async")]
async fn report(handler: Handler, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

fn with_tasks(config: &mut ServiceConfig) {
    config.service(report).service(task_routes("/tasks"));
}

fn run(idempotency: &Idempotency, handler: &ControlledHandler) -> TaskRunner {
    let handler = handler.clone();
    TaskRunner::start(idempotency, move |app| {
        app.app_data(Data::new(handler)).configure(with_tasks);
    })
    .expect("a thread")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_runs_elsewhere_is_not_read_at_every_look() {
    let mut shop = Shop::with(RedisServer::start(), |builder| builder.tasks_at_once(RUNNING)).await;
    shop.app = Server::start(&shop.idempotency, &shop.handler, with_tasks);
    shop.handler.pause();
    let _runner = run(&shop.idempotency, &shop.handler);
    for key in 0..RUNNING {
        let reply = shop.post("/reports").key(&key.to_string()).send().await;
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    shop.handler.runs_reach(RUNNING).await;

    let store = RedisStore::connect(&shop.redis.url()).await.expect("it connects");
    let other = Idempotency::builder(store).scope(Scope::header("Authorization"));
    let other = other.build().expect("settings that fit");
    let mut monitor = Monitor::start(&shop.redis);
    let _other = run(&other, &shop.handler);
    let mut reads = BTreeMap::<String, usize>::new();
    while reads.values().max().is_none_or(|most| *most < LOOKS) {
        let sent = monitor.next();
        if sent.words[0] == "GET" && !sent.by_script {
            *reads.entry(sent.words[1].clone()).or_default() += 1;
        }
    }
    let all = reads.values().sum::<usize>();
    // Each look reads the lists, and each task is read once.
    assert!(all <= 8 * LOOKS + RUNNING + 16, "{all} reads of {} keys", reads.len());
    shop.handler.resume();
    shop.handler.answers_reach(RUNNING).await;
}
