//! A record that an operator forgets, and the answer to the next request with its key.

use crate::{Routes, Shop};
use actix_web::web::Data;
use actix_web::{HttpResponse, Responder, route};
use idempotent_runtime::idempotent;
use idempotent_runtime::key::KeyParts;
use idempotent_runtime::policy::Strategy;
use idempotent_runtime::records::{Force, Forgotten, KeptIn, RecordStage, RecordView, Target};
use reqwest::Method;
use std::collections::HashMap;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Reply, Sender};

on_every_store! {
    what_is_forgotten_runs_again,
    who_waits_for_what_is_forgotten_runs,
    a_lock_that_is_held_is_left_alone_unless_it_is_forced,
    an_answer_that_is_forgotten_is_computed_again,
    a_token_that_nobody_used_cannot_be_used_any_more,
    a_token_whose_use_is_forgotten_can_be_used_again,
    a_task_that_waits_never_runs_and_may_be_asked_for_anew,
    a_task_that_ran_is_gone_and_may_be_asked_for_anew,
    a_task_that_runs_is_left_alone_unless_it_is_forced,
    a_task_that_was_called_off_may_be_asked_for_anew,
    all_records_are_listed_and_nothing_beside_them,
}

fn value(value: &str) -> KeyParts {
    KeyParts::new().value(value)
}

impl Shop {
    /// Alice's record.
    async fn see(&self, target: &Target, key: &str) -> RecordView {
        self.see_in(target, &value("Bearer alice"), key).await
    }

    async fn see_in(&self, target: &Target, scope: &KeyParts, key: &str) -> RecordView {
        let found = self.idempotency.find(target, scope, &value(key)).await;
        found.expect("the store answers").expect("a record")
    }

    async fn forget(&self, record: &RecordView, force: Force) -> Forgotten {
        self.idempotency.forget(record, force).await.expect("the store answers")
    }

    async fn ask_at(&self, method: Method, address: &str) -> Reply {
        Sender::new(method, format!("http://{}{address}", self.server.address())).send().await
    }
}

async fn what_is_forgotten_runs_again(backend: Backend) {
    let shop = Shop::open(backend);
    let send = async |body: &'static str| shop.post("/orders").key("k").body(body).send().await;
    send("one").await;
    let seen = shop.see(&Target::route("POST", "/orders"), "k").await;
    assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    // This holds even with another body: nothing of the first request is kept.
    let again = send("two").await;
    assert_eq!((again.status, again.is_replay(), &again.body[..]), (201, false, &b"run 2"[..]));
    assert!(send("two").await.is_replay());
    assert_eq!(shop.forget(&seen, Force::Yes).await, Forgotten::Changed);
    assert_eq!(shop.see(&Target::route("POST", "/orders"), "k").await.attempt(), 2);
}

async fn who_waits_for_what_is_forgotten_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/waiting").key("k").send());
    shop.handler.runs_reach(1).await;
    let second = tokio::spawn(shop.post("/waiting").key("k").send());
    let seen = shop.see(&Target::route("POST", "/waiting"), "k").await;
    assert!(matches!(shop.forget(&seen, Force::No).await, Forgotten::Running { .. }));
    assert_eq!(shop.forget(&seen, Force::Yes).await, Forgotten::Yes);
    shop.handler.runs_reach(2).await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().header("Idempotency-Stored"), Some("false"));
    assert_eq!((second.await.unwrap().status, shop.handler.runs()), (201, 2));
}

async fn a_lock_that_is_held_is_left_alone_unless_it_is_forced(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("report").wait(Duration::ZERO).acquire();
    let held = lock().await.unwrap();
    let seen = shop.see_in(&Target::lock(), &KeyParts::new(), "report").await;
    assert!(matches!(shop.forget(&seen, Force::No).await, Forgotten::Running { .. }));
    assert_eq!(held.attempt(), seen.attempt());
    assert_eq!(shop.forget(&seen, Force::Yes).await, Forgotten::Yes);
    let beside = crate::guard(&shop.backend).build().unwrap();
    let next = beside.lock("report").wait(Duration::ZERO).acquire().await.unwrap();
    assert!(next.attempt() > held.attempt(), "the fence grows");
    held.release().await;
    let seen = shop.see_in(&Target::lock(), &KeyParts::new(), "report").await;
    assert_eq!(seen.state().stage(), RecordStage::Running, "the late one releases nothing");
    next.release().await;
}

#[route("/greeting", method = "GET")]
#[idempotent(strategy = "cache", operation = "greeting", key = "all", ttl = "1h")]
async fn greeting(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

async fn an_answer_that_is_forgotten_is_computed_again(backend: Backend) {
    let routes: Routes = |_, app| {
        app.service(greeting);
    };
    let shop = Shop::serving(backend, |builder| builder, routes);
    let target = Target::operation(Strategy::Cache, "greeting");
    let key = KeyParts::new().text("all");
    for run in ["run 1", "run 2"] {
        assert_eq!(shop.ask_at(Method::GET, "/greeting").await.body, run);
        assert_eq!(shop.ask_at(Method::GET, "/greeting").await.body, run);
        let seen = shop.idempotency.find(&target, &value("Bearer alice"), &key).await.unwrap();
        let seen = seen.expect("a record");
        assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    }
}

async fn a_token_that_nobody_used_cannot_be_used_any_more(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.ask_at(Method::GET, "/tokens/token").await.body;
    let token = std::str::from_utf8(&token).unwrap();
    let seen = shop.see(&Target::operation(Strategy::Token, "token"), token).await;
    for _ in 0..2 {
        assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    }
    let used = shop.post("/token").header("token", token).send().await;
    used.is_problem(412, "token-invalid");
    assert_eq!(shop.handler.runs(), 0);
}

async fn a_token_whose_use_is_forgotten_can_be_used_again(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.ask_at(Method::GET, "/tokens/token").await.body;
    let token = std::str::from_utf8(&token).unwrap();
    let uses = async || shop.post("/token").header("token", token).send().await;
    assert_eq!(uses().await.status, 201);
    uses().await.is_problem(409, "duplicate");
    let seen = shop.see(&Target::operation(Strategy::Token, "token"), token).await;
    assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    assert_eq!(uses().await.status, 201);
    uses().await.is_problem(409, "duplicate");
    assert_eq!(shop.handler.runs(), 2);
}

fn reports() -> Target {
    Target::route("POST", "/reports").task()
}

async fn a_task_that_waits_never_runs_and_may_be_asked_for_anew(backend: Backend) {
    let shop = Shop::open(backend);
    let address = shop.task("/reports", "k").await;
    let seen = shop.see(&reports(), "k").await;
    for _ in 0..2 {
        assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    }
    shop.ask_at(Method::GET, &address).await.is_problem(404, "task-missing");
    shop.ask_at(Method::DELETE, &address).await.is_problem(404, "task-missing");
    let _runner = shop.run_tasks();
    let other = shop.task("/reports", "other").await;
    shop.is(&other, "succeeded").await;
    assert_eq!(shop.handler.runs(), 1, "the forgotten one was in line before");

    let again = shop.post("/reports").key("k").body("another body").send().await;
    assert!(!again.is_replay(), "it is a new one");
    assert_eq!(crate::tasks::accepted(&again), address);
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.forget(&seen, Force::Yes).await, Forgotten::Changed, "nobody saw that one");
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_task_that_ran_is_gone_and_may_be_asked_for_anew(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.is(&address, "succeeded").await;
    let seen = shop.see(&reports(), "k").await;
    assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    shop.ask_at(Method::GET, &address).await.is_problem(404, "task-missing");
    assert_eq!(shop.task("/reports", "k").await, address);
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.handler.runs(), 2);
    assert!(shop.see(&reports(), "k").await.attempt() > seen.attempt());
}

async fn a_task_that_runs_is_left_alone_unless_it_is_forced(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.handler.runs_reach(1).await;
    let seen = shop.see(&reports(), "k").await;
    assert!(matches!(shop.forget(&seen, Force::No).await, Forgotten::Running { .. }));
    shop.is(&address, "running").await;
    assert_eq!(shop.forget(&seen, Force::Yes).await, Forgotten::Yes);
    shop.ask_at(Method::GET, &address).await.is_problem(404, "task-missing");
    shop.handler.resume();
    let other = shop.task("/reports", "other").await;
    shop.is(&other, "succeeded").await;
    shop.ask_at(Method::GET, &address).await.is_problem(404, "task-missing");
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_task_that_was_called_off_may_be_asked_for_anew(backend: Backend) {
    let shop = Shop::open(backend);
    let address = shop.task("/reports", "k").await;
    assert_eq!(shop.ask_at(Method::DELETE, &address).await.status, 200);
    assert!(shop.post("/reports").key("k").send().await.is_replay());
    let seen = shop.see(&reports(), "k").await;
    assert_eq!(seen.state().stage(), RecordStage::Cancelled);
    assert_eq!(shop.forget(&seen, Force::No).await, Forgotten::Yes);
    assert!(!shop.post("/reports").key("k").send().await.is_replay());
    shop.is(&address, "pending").await;
}

/// The input of a task and the list of unfinished tasks are in the same store.
async fn all_records_are_listed_and_nothing_beside_them(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| HttpResponse::Created().finish());
    for key in ["a", "b"] {
        shop.post("/orders").key(key).send().await;
    }
    shop.post("/short").key("a").send().await;
    shop.task("/reports", "k").await;
    let list = async |limit, operation: Option<&str>, stage: Option<RecordStage>| {
        let mut records = shop.idempotency.records().kept_in(KeptIn::Store);
        if let Some(operation) = operation {
            records = records.operation(operation);
        }
        if let Some(stage) = stage {
            records = records.stage(stage);
        }
        // A record that moves while a server goes through its keys may be listed twice.
        let (mut listed, mut after) = (HashMap::new(), None);
        loop {
            let page = records.page(limit, after.as_ref()).await.expect("the store lists");
            for record in page.records {
                let shown = format!("{} {}", record.operation(), record.state().stage());
                listed.insert(*record.key(), shown);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut listed: Vec<_> = listed.into_values().collect();
        listed.sort();
        listed
    };
    let all = ["orders completed", "orders completed", "report issued", "short completed"];
    for limit in [1, 3, 100] {
        assert_eq!(list(limit, None, None).await, all);
    }
    assert_eq!(list(100, Some("orders"), None).await, all[..2]);
    assert_eq!(list(100, None, Some(RecordStage::Issued)).await, all[2..3]);
    assert_eq!(list(100, Some("orders"), Some(RecordStage::Issued)).await, [""; 0]);
}
