//! Apps and callers that have reached the limit of unfinished tasks.

use crate::tasks::accepted;
use crate::{Shop, guard, routes};
use actix_web::web::Data;
use futures_util::future::join_all;
use idempotent_runtime::task::TaskRunner;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Reply, Server, eventually};

on_every_store! {
    one_task_too_many_is_refused_until_there_is_room,
    no_caller_takes_the_room_of_all,
    of_many_at_once_no_caller_gets_more_than_its_part,
    what_is_over_takes_no_room,
}

const LIMIT: usize = 40;

fn few(builder: IdempotencyBuilder) -> IdempotencyBuilder {
    builder.unfinished_tasks_of_one_scope(10)
}

async fn send(shop: &Shop, account: &str, key: usize) -> Reply {
    shop.post("/reports").as_account(account).key(&key.to_string()).send().await
}

/// The whole limit can be used, for every distribution of tasks over the lists.
async fn one_task_too_many_is_refused_until_there_is_room(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.unfinished_tasks(LIMIT));
    let mut addresses = Vec::new();
    for key in 0..LIMIT {
        addresses.push(accepted(&send(&shop, "alice", key).await));
    }
    for account in ["alice", "bob"] {
        let refused = send(&shop, account, LIMIT).await;
        refused.is_problem(503, "too-many-tasks");
        assert_eq!(refused.header("Retry-After"), Some("10"));
        assert_eq!(refused.json()["retryable"], true);
    }
    let known = send(&shop, "alice", 0).await;
    assert_eq!((known.status, known.is_replay()), (202, true), "it was promised before");

    for (freed, address) in addresses.iter().enumerate().take(3) {
        assert_eq!(shop.server.send(Method::DELETE, address).send().await.status, 200);
        let first = send(&shop, "alice", LIMIT + freed).await;
        assert_eq!((first.status, first.is_replay()), (202, false));
        send(&shop, "alice", LIMIT + freed + 1).await.is_problem(503, "too-many-tasks");
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn no_caller_takes_the_room_of_all(backend: Backend) {
    let shop = Shop::with(backend, few);
    let first = accepted(&send(&shop, "alice", 0).await);
    for key in 1..10 {
        accepted(&send(&shop, "alice", key).await);
    }
    send(&shop, "alice", 10).await.is_problem(503, "too-many-tasks");
    accepted(&send(&shop, "bob", 10).await);
    assert!(send(&shop, "alice", 9).await.is_replay(), "it was promised before");
    assert_eq!(shop.server.send(Method::DELETE, &first).send().await.status, 200);
    accepted(&send(&shop, "alice", 10).await);
    send(&shop, "alice", 11).await.is_problem(503, "too-many-tasks");
}

async fn of_many_at_once_no_caller_gets_more_than_its_part(backend: Backend) {
    let shop = Shop::with(backend, few);
    let replies = join_all((0..30).map(|key| send(&shop, "alice", key))).await;
    let taken = replies.iter().filter(|reply| reply.status == 202).count();
    assert!(taken <= 10, "{taken}");
    // A caller that was refused because of another's tasks gets the room that is left.
    for key in 30..40 {
        send(&shop, "alice", key).await;
    }
    let again = join_all((0..40).map(|key| send(&shop, "alice", key))).await;
    assert_eq!(again.iter().filter(|reply| reply.status == 202).count(), 10);
}

/// Each of eight callers waits for the end of a task before it sends the next one.
async fn what_is_over_takes_no_room(backend: Backend) {
    let shop = Shop::with(backend, few);
    let _runner = shop.run_tasks();
    let caller = async |account: String| {
        for key in 0..25 {
            let address = accepted(&send(&shop, &account, key).await);
            eventually("it is over", async || {
                let ask = shop.server.send(Method::GET, &address).as_account(&account);
                (ask.send().await.json()["status"] == "succeeded").then_some(())
            })
            .await;
        }
    };
    join_all((0..8).map(|number| caller(format!("caller {number}")))).await;
    assert_eq!(shop.handler.runs(), 8 * 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_callers_are_one_the_total_counts_alone() {
    let (backend, handler) = (Backend::memory().await, ControlledHandler::new());
    let builder = Idempotency::builder(backend.store.clone()).scope(Scope::shared());
    let builder = builder.unfinished_tasks(7).unfinished_tasks_of_one_scope(2);
    let idempotency = builder.build().expect("settings that fit");
    let server = Server::start(&idempotency, &handler, routes::all);
    let send = |key: u32| server.post("/reports").key(&key.to_string()).send();
    for key in 0..7 {
        assert_eq!(send(key).await.status, 202);
    }
    send(7).await.is_problem(503, "too-many-tasks");
}

/// If one process ends tasks, another process that counts itself as full sees it at the next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_that_another_process_makes_is_seen() {
    let shop = Shop::with(Backend::memory().await, few);
    for key in 0..10 {
        accepted(&send(&shop, "alice", key).await);
    }
    send(&shop, "alice", 10).await.is_problem(503, "too-many-tasks");
    let elsewhere = few(guard(&shop.backend)).build().expect("settings that fit");
    let handler = shop.handler.clone();
    let runner = TaskRunner::start(&elsewhere, |app| {
        app.app_data(Data::new(handler)).configure(routes::all);
    });
    let _runner = runner.expect("a thread");
    eventually("there is room", async || {
        (send(&shop, "alice", 10).await.status == 202).then_some(())
    })
    .await;
}
