//! Invariant S13: requests that are answered at once and run later.

use crate::{Shop, guard, routes};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, route};
use futures_util::future::join_all;
use futures_util::stream;
use idempotent_runtime::extract::{Attempt, DownstreamKey};
use idempotent_runtime::task::{Progress, TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, idempotent};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Backend, ControlledHandler, Reply, Sender, eventually};

on_every_store! {
    a_task_has_an_address_at_once_and_a_result_later,
    a_task_has_an_address_whatever_the_host,
    one_key_is_one_task,
    a_task_is_pending_then_running_then_over,
    a_failure_is_the_end_of_a_task_too,
    a_key_used_for_another_request_is_refused_in_every_state,
    a_task_of_somebody_else_does_not_exist,
    what_nobody_runs_yet_can_be_called_off,
    what_runs_or_ran_cannot_be_called_off,
    calling_off_and_taking_up_exclude_each_other,
    results_of_every_kind_are_shown_and_given,
    what_is_too_long_to_keep_is_told,
    a_handler_can_say_how_far_it_is,
    every_argument_is_there_again,
    no_credential_is_stored,
    while_the_store_is_down_no_task_is_promised,
    a_task_whose_storing_was_not_confirmed_is_found_by_the_retry,
    a_draining_process_finishes_what_runs_and_leaves_the_rest_to_others,
    so_many_run_at_once_and_no_more,
    of_two_runners_one_runs_each_task,
}

type Handler = Data<ControlledHandler>;

pub(crate) fn handlers(config: &mut ServiceConfig) {
    config
        .service(report)
        .service(stepwise)
        .service(streamed)
        .service(small)
        .service(everything)
        .service(task_routes("/tasks"));
}

#[route("/reports", method = "POST")]
#[idempotent(strategy = "async")]
async fn report(handler: Handler, _body: Bytes) -> impl Responder {
    handler.run().await
}

#[route("/reports/stepwise", method = "POST")]
#[idempotent(strategy = "async")]
async fn stepwise(handler: Handler, progress: Progress) -> impl Responder {
    progress.report(1, 3);
    progress.report(2, 3);
    handler.run().await
}

#[route("/reports/streamed", method = "POST")]
#[idempotent(strategy = "async")]
async fn streamed() -> impl Responder {
    let pieces = ["one ", "two"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    HttpResponse::Ok().content_type("text/plain").streaming(stream::iter(pieces))
}

#[route("/reports/small", method = "POST")]
#[idempotent(strategy = "async", max_body = "10B", headers = "X-Total")]
async fn small(handler: Handler) -> impl Responder {
    handler.run().await
}

#[derive(Deserialize, Serialize)]
struct Page {
    page: u32,
}

#[route("/reports/of/{name}", method = "POST")]
#[idempotent(strategy = "async")]
#[expect(clippy::too_many_arguments, reason = "as many kinds as there are")]
async fn everything(
    name: web::Path<(String,)>,
    page: web::Query<Page>,
    body: web::Json<Value>,
    optional: Option<web::Query<Page>>,
    handler: Handler,
    attempt: Attempt,
    downstream: DownstreamKey,
    _: Progress,
) -> impl Responder {
    HttpResponse::Ok().json(json!({
        "name": name.0,
        "page": page.page,
        "body": *body,
        "optional": optional.map(|page| page.page),
        "runs": handler.runs(),
        "attempt": attempt.number(),
        "downstream": downstream.key("there", "step"),
    }))
}

/// Runs tasks as another process would, until it is dropped.
fn run(idempotency: &Idempotency, handler: &ControlledHandler) -> TaskRunner {
    let handler = handler.clone();
    TaskRunner::start(idempotency, move |app| {
        app.app_data(Data::new(handler)).configure(routes::all);
    })
    .expect("a thread")
}

impl Shop {
    pub(crate) fn run_tasks(&self) -> TaskRunner {
        run(&self.idempotency, &self.handler)
    }

    /// Another process on the same store.
    fn another(&self, set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Idempotency {
        set(guard(&self.backend)).build().unwrap()
    }

    /// Creates a task at this path, and returns its address.
    pub(crate) async fn task(&self, path: &str, key: &str) -> String {
        accepted(&self.post(path).key(key).send().await)
    }

    fn ask(&self, method: Method, address: &str) -> Sender {
        Sender::new(method, format!("http://{}{address}", self.server.address()))
    }

    pub(crate) async fn show(&self, address: &str) -> Value {
        let reply = self.ask(Method::GET, address).send().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        let task = reply.json();
        let unfinished = ["pending", "running"].contains(&task["status"].as_str().unwrap());
        assert_eq!(reply.header("Retry-After").is_some(), unfinished, "{task}");
        task
    }

    async fn result(&self, address: &str) -> Reply {
        self.ask(Method::GET, &format!("{address}/result")).send().await
    }

    async fn call_off(&self, address: &str) -> Reply {
        self.ask(Method::DELETE, address).send().await
    }

    /// Waits until the task has this status.
    pub(crate) async fn is(&self, address: &str, status: &str) -> Value {
        eventually(status, async || {
            let task = self.show(address).await;
            (task["status"] == status).then_some(task)
        })
        .await
    }
}

/// The address in a 202.
#[track_caller]
pub(crate) fn accepted(reply: &Reply) -> String {
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(reply.header("Retry-After"), Some("1"));
    let address = reply.header("Location").expect("an address").to_owned();
    let id = address.strip_prefix("/tasks/").expect("below `/tasks`");
    assert_eq!(reply.json(), json!({"id": id, "location": address}));
    address
}

async fn a_task_has_an_address_at_once_and_a_result_later(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    shop.handler.answers(|run| HttpResponse::Created().json(json!({"run": run})));
    let reply = shop.post("/reports").key("k").body("a body").send().await;
    assert!(!reply.is_replay());
    let address = accepted(&reply);
    let task = shop.is(&address, "succeeded").await;
    let id = address.strip_prefix("/tasks/").unwrap();
    let result = json!({
        "status": 201,
        "headers": [["content-type", "application/json"]],
        "body": {"run": 1},
    });
    assert_eq!(task, json!({"id": id, "status": "succeeded", "result": result}));
    let result = shop.result(&address).await;
    assert_eq!((result.status, &result.body[..]), (201, &br#"{"run":1}"#[..]));
    assert_eq!(result.header("Content-Type"), Some("application/json"));
    assert_eq!(shop.handler.runs(), 1);
}

/// The location is a path without a host: neither the request's host nor one from a proxy is used.
async fn a_task_has_an_address_whatever_the_host(backend: Backend) {
    let shop = Shop::open(backend);
    let address = accepted(&shop.post("/reports").key("k").send().await);
    let bad = ["", "a b", "a/b", "a:b", "[::1", "a.example:99999"].map(|host| ("Host", host));
    for (name, value) in bad.into_iter().chain([
        ("X-Forwarded-Host", "a b"),
        ("Forwarded", "host=\"a b\""),
        ("X-Forwarded-Proto", "no scheme"),
    ]) {
        let again = shop.post("/reports").key("k").header(name, value).send().await;
        assert_eq!(accepted(&again), address, "{name}: {value}");
    }
}

async fn one_key_is_one_task(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let _runner = shop.run_tasks();
    let replies = join_all((0..50).map(|_| shop.post("/reports").key("k").send())).await;
    let first = replies.iter().filter(|reply| !reply.is_replay()).count();
    assert_eq!(first, 1);
    let address = accepted(&replies[0]);
    assert!(replies.iter().all(|reply| accepted(reply) == address));
    shop.handler.resume();
    let over = shop.is(&address, "succeeded").await;
    let again = shop.post("/reports").key("k").send().await;
    assert!(again.is_replay() && accepted(&again) == address);
    assert_ne!(shop.task("/reports", "another").await, address);
    shop.handler.answers_reach(2).await;
    assert_eq!(shop.show(&address).await, over);
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_task_is_pending_then_running_then_over(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let address = shop.task("/reports", "k").await;
    assert_eq!(shop.show(&address).await["status"], "pending");
    shop.result(&address).await.is_problem(409, "in-progress");
    let _runner = shop.run_tasks();
    shop.handler.runs_reach(1).await;
    assert_eq!(shop.show(&address).await["status"], "running");
    shop.result(&address).await.is_problem(409, "in-progress");
    shop.handler.resume();
    shop.is(&address, "succeeded").await;
}

async fn a_failure_is_the_end_of_a_task_too(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    for (key, status) in [("404", 404), ("503", 503), ("panic", 500)] {
        shop.handler.answers(move |_| match status {
            500 => panic!("as the test asked"),
            404 => HttpResponse::NotFound().body("not there"),
            _ => HttpResponse::ServiceUnavailable().body("not now"),
        });
        let address = shop.task("/reports", key).await;
        let task = shop.is(&address, "failed").await;
        assert_eq!(task["result"]["status"], status, "{task}");
        let result = shop.result(&address).await;
        assert_eq!(result.status, status);
        if status == 500 {
            assert_eq!(result.problem(), "handler-panicked");
            assert_eq!(result.json()["retryable"], false, "nobody repeats a task");
        }
        assert_eq!(shop.task("/reports", key).await, address);
    }
    assert_eq!(shop.handler.runs(), 3);
}

async fn a_key_used_for_another_request_is_refused_in_every_state(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let address = shop.task("/reports", "k").await;
    let refused = async || {
        let reply = shop.post("/reports").key("k").body("another").send().await;
        reply.is_problem(422, "key-reused");
    };
    refused().await;
    let _runner = shop.run_tasks();
    shop.handler.runs_reach(1).await;
    refused().await;
    shop.handler.resume();
    shop.is(&address, "succeeded").await;
    refused().await;
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_task_of_somebody_else_does_not_exist(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.is(&address, "succeeded").await;
    let never = "/tasks/AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    for (method, more) in [(Method::GET, ""), (Method::GET, "/result"), (Method::DELETE, "")] {
        let mut told = Vec::new();
        for (account, address) in [("bob", &address), ("alice", &never), ("bob", &never)] {
            let path = format!("{address}{more}");
            let reply = shop.ask(method.clone(), &path).as_account(account).send().await;
            reply.is_problem(404, "task-missing");
            let body = String::from_utf8(reply.body.to_vec()).unwrap();
            told.push(body.replace(address, "/tasks/{id}"));
        }
        assert!(told.iter().all(|body| *body == told[0]), "{told:?}");
    }
    let nobody =
        Sender::anonymous(Method::GET, format!("http://{}{address}", shop.server.address()));
    nobody.send().await.is_problem(400, "scope-missing");
    // The same key and body of another account is another task.
    let bobs = shop.post("/reports").as_account("bob").key("k").send().await;
    assert_ne!(accepted(&bobs), address);
}

async fn what_nobody_runs_yet_can_be_called_off(backend: Backend) {
    let shop = Shop::open(backend);
    let address = shop.task("/reports", "k").await;
    for _ in 0..2 {
        let reply = shop.call_off(&address).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("cancelled")));
    }
    assert_eq!(shop.show(&address).await["status"], "cancelled");
    shop.result(&address).await.is_problem(410, "task-cancelled");
    assert_eq!(shop.task("/reports", "k").await, address);

    let _runner = shop.run_tasks();
    let next = shop.task("/reports", "another").await;
    shop.is(&next, "succeeded").await;
    assert_eq!(shop.show(&address).await["status"], "cancelled");
    assert_eq!(shop.handler.runs(), 1);
}

async fn what_runs_or_ran_cannot_be_called_off(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.handler.runs_reach(1).await;
    shop.call_off(&address).await.is_problem(409, "task-started");
    shop.handler.resume();
    shop.is(&address, "succeeded").await;
    shop.call_off(&address).await.is_problem(409, "task-started");
    assert_eq!(shop.show(&address).await["status"], "succeeded");
}

/// A task is either cancelled or runs: never both, and never neither.
async fn calling_off_and_taking_up_exclude_each_other(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    let mut off = 0;
    for number in 0..30 {
        let address = shop.task("/reports", &number.to_string()).await;
        match shop.call_off(&address).await.status {
            200 => {
                off += 1;
                assert_eq!(shop.show(&address).await["status"], "cancelled");
            }
            _ => drop(shop.is(&address, "succeeded").await),
        }
    }
    let last = shop.task("/reports", "last").await;
    shop.is(&last, "succeeded").await;
    assert_eq!(shop.handler.runs(), 31 - off);
}

async fn results_of_every_kind_are_shown_and_given(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    shop.handler.answers(|run| {
        let mut response = HttpResponse::Ok();
        match run {
            1 => response.content_type("text/plain; charset=utf-8").body("grün"),
            2 => response.content_type("application/octet-stream").body(&b"\x00\xff"[..]),
            3 => HttpResponse::NoContent().finish(),
            4 => response.content_type("application/vnd.x+json").body(r#"{"n": 1.50}"#),
            _ => response
                .append_header(("Link", "</a>"))
                .append_header(("Link", "</b>"))
                .append_header(("Set-Cookie", "a=b"))
                .body(""),
        }
    });
    let shown = [
        json!({"status": 200, "headers": [["content-type", "text/plain; charset=utf-8"]],
               "body": "grün"}),
        json!({"status": 200, "headers": [["content-type", "application/octet-stream"]],
               "body_base64": "AP8="}),
        json!({"status": 204, "headers": []}),
        json!({"status": 200, "headers": [["content-type", "application/vnd.x+json"]],
               "body": {"n": 1.5}}),
        json!({"status": 200, "headers": [["link", "</a>"], ["link", "</b>"]]}),
    ];
    let raw: [&[u8]; 5] = ["grün".as_bytes(), b"\x00\xff", b"", br#"{"n": 1.50}"#, b""];
    for (number, (shown, raw)) in shown.into_iter().zip(raw).enumerate() {
        let address = shop.task("/reports", &number.to_string()).await;
        let task = shop.is(&address, "succeeded").await;
        assert_eq!(task["result"], shown);
        let result = shop.result(&address).await;
        assert_eq!(result.body, raw);
        assert_eq!(u64::from(result.status), shown["status"].as_u64().unwrap());
        assert_eq!(result.lines("Link").len(), if number == 4 { 2 } else { 0 });
        assert!(result.header("Set-Cookie").is_none() && !result.is_replay());
    }
    let address = shop.task("/reports/streamed", "s").await;
    assert_eq!(shop.is(&address, "succeeded").await["result"]["body"], "one two");
}

async fn what_is_too_long_to_keep_is_told(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    shop.handler
        .answers(|_| HttpResponse::Created().insert_header(("X-Total", "7")).body("twelve bytes"));
    let address = shop.task("/reports/small", "k").await;
    let task = shop.is(&address, "succeeded").await;
    let headers = json!([["x-total", "7"], ["idempotency-stored", "false"]]);
    assert_eq!(task["result"], json!({"status": 201, "headers": headers}));
    shop.result(&address).await.is_problem(409, "not-replayable");
    assert_eq!(shop.task("/reports/small", "k").await, address);
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_handler_can_say_how_far_it_is(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let _runner = shop.run_tasks();
    let address = shop.task("/reports/stepwise", "k").await;
    let far = json!({"done": 2, "total": 3});
    eventually("progress", async || (shop.show(&address).await["progress"] == far).then_some(()))
        .await;
    shop.handler.resume();
    assert_eq!(shop.is(&address, "succeeded").await.get("progress"), None);
}

async fn every_argument_is_there_again(backend: Backend) {
    let shop = Shop::open(backend);
    let _runner = shop.run_tasks();
    let body = json!({"deep": [1, {"er": null}]});
    let path = "/reports/of/J%C3%BCrgen?page=7";
    let address = accepted(&shop.post(path).key("k").json(&body).send().await);
    let result = shop.is(&address, "succeeded").await["result"]["body"].clone();
    let downstream = result["downstream"].as_str().unwrap();
    assert_eq!(downstream.len(), 43);
    let expected = json!({"name": "Jürgen", "page": 7, "body": body, "optional": 7, "runs": 0,
                          "attempt": 1, "downstream": downstream});
    assert_eq!(result, expected);
}

/// An extractor refuses as it does without the attribute, and then nothing is stored. A stored task has its
/// arguments, and no headers.
async fn no_credential_is_stored(backend: Backend) {
    let shop = Shop::open(backend);
    let bad = shop.post("/reports/of/x?page=1").key("k").json(&json!("x")).body("{").send().await;
    assert_eq!(bad.status, 400);
    let secret = "a-secret-that-nobody-may-find";
    let reply = shop.post("/reports").as_account(secret).key("k").body("x").send().await;
    accepted(&reply);
    let all = shop.backend.store.everything().await;
    assert!(all.len() >= 3, "a record, an input and an index");
    for value in all {
        let text = String::from_utf8_lossy(&value).into_owned();
        assert!(!text.contains(secret), "{text}");
    }
}

async fn while_the_store_is_down_no_task_is_promised(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.set_down(true);
    shop.post("/reports").key("k").send().await.is_problem(503, "store-unavailable");
    shop.backend.store.set_down(false);
    let _runner = shop.run_tasks();
    let address = shop.task("/reports", "k").await;
    shop.is(&address, "succeeded").await;
    shop.backend.store.set_down(true);
    let reply = shop.ask(Method::GET, &address).send().await;
    reply.is_problem(503, "store-unavailable");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_task_whose_storing_was_not_confirmed_is_found_by_the_retry(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.lose_next_answer();
    shop.post("/reports").key("k").send().await.is_problem(503, "store-unavailable");
    let address = shop.task("/reports", "k").await;
    let _runner = shop.run_tasks();
    shop.is(&address, "succeeded").await;
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_draining_process_finishes_what_runs_and_leaves_the_rest_to_others(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.tasks_at_once(1));
    shop.handler.pause();
    let runner = shop.run_tasks();
    let one = shop.task("/reports", "one").await;
    shop.handler.runs_reach(1).await;
    let other = shop.task("/reports", "other").await;
    let idempotency = shop.idempotency.clone();
    let drained = tokio::spawn(async move { idempotency.drain(Duration::from_mins(1)).await });
    eventually("it takes no more", async || {
        let reply = shop.post("/reports").key("third").send().await;
        (reply.status == 503).then(|| reply.is_problem(503, "shutting-down"))
    })
    .await;
    shop.handler.resume();
    assert_eq!(drained.await.unwrap(), 0);
    shop.is(&one, "succeeded").await;
    assert_eq!(shop.show(&other).await["status"], "pending");
    drop(runner);
    let _another = run(&shop.another(|builder| builder), &shop.handler);
    shop.is(&other, "succeeded").await;
}

async fn so_many_run_at_once_and_no_more(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.tasks_at_once(2));
    shop.handler.pause();
    let _runner = shop.run_tasks();
    let mut tasks = Vec::new();
    for number in 0..5 {
        tasks.push(shop.task("/reports", &number.to_string()).await);
    }
    shop.handler.runs_reach(2).await;
    let mut states = Vec::new();
    for address in &tasks {
        states.push(shop.show(address).await["status"].as_str().unwrap().to_owned());
    }
    // Tasks run in the order in which they came.
    assert_eq!(states, ["running", "running", "pending", "pending", "pending"]);
    shop.handler.resume();
    for address in &tasks {
        shop.is(address, "succeeded").await;
    }
    assert_eq!(shop.handler.runs(), 5);
}

async fn of_two_runners_one_runs_each_task(backend: Backend) {
    let shop = Shop::open(backend);
    let others = [(); 2].map(|()| shop.another(|builder| builder.tasks_at_once(3)));
    let _runners = others.each_ref().map(|other| run(other, &shop.handler));
    let numbers = (0..40).map(|number| number.to_string()).collect::<Vec<_>>();
    let tasks = join_all(numbers.iter().map(|number| shop.task("/reports", number))).await;
    for address in &tasks {
        shop.is(address, "succeeded").await;
    }
    assert_eq!(shop.handler.runs(), 40);
}
