//! Sealed records: the bytes in the store, records that open, and records that do not.

use crate::tasks::accepted;
use crate::{Shop, guard, serve};
use actix_web::web::{Data, Json, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder, get, post};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::records::{Force, Forgotten, KeptOutcome, RecordState};
use idempotent_runtime::seal::Keys;
use idempotent_runtime::store::record::{Record, State};
use idempotent_runtime::task::{Progress, TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, idempotent};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Reply, Server, eventually};

on_every_store! {
    what_is_not_sealed_can_be_read_in_the_store,
    nothing_that_is_sealed_can_be_read_in_the_store,
    an_outcome_in_the_place_of_another_is_refused,
    an_outcome_that_is_not_sealed_is_refused,
    with_another_key_nothing_runs,
    with_another_key_a_read_is_computed,
    an_answer_that_is_computed_again_is_sealed_too,
    keys_are_changed_without_a_pause,
    sealing_begins_and_ends_without_a_pause,
    a_task_runs_where_its_key_is,
    who_has_no_key_sees_that_a_record_is_sealed_and_can_forget_it,
}

type Handler = Data<ControlledHandler>;

const OUTCOME: &str = "outcome-4242";
const INPUT: &str = "input-4343";
const LABEL: &str = "label-4444";
const PROGRESS: [u8; 8] = *b"pr0gre55";

#[post("/orders")]
#[idempotent]
async fn order(handler: Handler, _card: Json<String>) -> impl Responder {
    handler.run().await
}

#[post("/in-any-case")]
#[idempotent(on_store_error = "run")]
async fn in_any_case(handler: Handler) -> impl Responder {
    handler.run().await
}

#[post("/locked")]
#[idempotent(strategy = "lock", key = "{header.Idempotency-Key}")]
async fn locked(handler: Handler) -> impl Responder {
    handler.run().await
}

#[get("/cards/{id}")]
#[idempotent(strategy = "cache", key = "{path.id}", ttl = "1m")]
async fn card(handler: Handler, _id: Path<String>) -> impl Responder {
    handler.run().await
}

#[get("/rates/{id}")]
#[idempotent(strategy = "cache", key = "{path.id}", ttl = "200ms", stale = "1m")]
async fn interest(handler: Handler, _id: Path<String>) -> impl Responder {
    handler.run().await
}

#[post("/reports")]
#[idempotent(strategy = "async")]
async fn report(handler: Handler, _card: Json<String>, progress: Progress) -> impl Responder {
    progress.report(u64::from_le_bytes(PROGRESS), u64::MAX);
    handler.run().await
}

fn routes(app: &mut ServiceConfig) {
    app.service(order)
        .service(in_any_case)
        .service(locked)
        .service(card)
        .service(interest)
        .service(report)
        .service(task_routes("/tasks"));
}

fn keys() -> Keys {
    Keys::new("now", [1; 32])
}

fn open(backend: Backend, set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Shop {
    // The server remembers nothing, so it sees changes in the store at once.
    let set = |builder: IdempotencyBuilder| set(builder.remember(0));
    let shop = Shop::serving(backend, set, |_, config| routes(config));
    shop.handler.answers(|run| {
        let mut answer = HttpResponse::Created();
        answer.insert_header(("x-outcome", OUTCOME)).body(format!("{OUTCOME} of {run}"))
    });
    shop
}

fn sealed(backend: Backend) -> Shop {
    open(backend, |builder| builder.seal(keys()))
}

impl Shop {
    /// The same store in another process, with other keys.
    fn with_keys(&self, keys: Option<Keys>) -> (Idempotency, Server) {
        let builder = guard(&self.backend);
        let builder = match keys {
            Some(keys) => builder.seal(keys),
            None => builder,
        };
        let idempotency = builder.build().expect("settings that fit");
        let server = serve(&idempotency, &self.handler, |_, config| routes(config));
        (idempotency, server)
    }

    async fn order_of(&self, key: &str) -> Reply {
        order_at(&self.server, key).await
    }
}

async fn order_at(server: &Server, key: &str) -> Reply {
    server.post("/orders").key(key).json(&json!(INPUT)).send().await
}

fn run(idempotency: &Idempotency, handler: &ControlledHandler) -> TaskRunner {
    let handler = handler.clone();
    TaskRunner::start(idempotency, move |app| {
        app.app_data(Data::new(handler)).configure(routes);
    })
    .expect("a thread")
}

/// Stores an outcome, an input, a label and progress, and returns which of them could be read in the backend.
async fn shown(shop: &Shop) -> [bool; 4] {
    let mut shown = [false; 4];
    let mut look = async || {
        let bytes = shop.backend.bytes().await;
        let secrets = [OUTCOME.as_bytes(), INPUT.as_bytes(), LABEL.as_bytes(), &PROGRESS];
        for (shown, secret) in shown.iter_mut().zip(secrets) {
            *shown |= bytes.windows(secret.len()).any(|part| part == secret);
        }
    };
    for _ in 0..2 {
        assert_eq!(shop.order_of(LABEL).await.header("x-outcome"), Some(OUTCOME));
        let read = shop.server.send(Method::GET, &format!("/cards/{LABEL}")).send().await;
        assert_eq!(read.header("x-outcome"), Some(OUTCOME));
    }
    shop.post("/locked").key(LABEL).send().await;
    assert_eq!(shop.handler.runs(), 3, "two were replayed");
    look().await;
    shop.handler.pause();
    let task = shop.post("/reports").key(LABEL).json(&json!(INPUT)).send().await;
    let address = accepted(&task);
    let _runner = run(&shop.idempotency, &shop.handler);
    let get = async |path: &str| shop.server.send(Method::GET, path).send().await;
    let progress = eventually("its progress is there", async || {
        let task = get(&address).await.json();
        task["progress"].is_object().then(|| task["progress"].clone())
    })
    .await;
    assert_eq!(progress, json!({"done": u64::from_le_bytes(PROGRESS), "total": u64::MAX}));
    look().await;
    shop.handler.resume();
    let result = eventually("it is over", async || {
        let result = get(&format!("{address}/result")).await;
        (result.status == 201).then_some(result)
    })
    .await;
    assert_eq!(result.header("x-outcome"), Some(OUTCOME));
    look().await;
    shown
}

/// Without keys everything can be read: this proves that the next test looks at the right bytes.
async fn what_is_not_sealed_can_be_read_in_the_store(backend: Backend) {
    let shop = open(backend, |builder| builder);
    assert_eq!(shown(&shop).await, [true; 4]);
}

async fn nothing_that_is_sealed_can_be_read_in_the_store(backend: Backend) {
    let shop = open(backend, |builder| builder.seal(keys().labels()));
    assert_eq!(shown(&shop).await, [false; 4]);
}

/// The records have another key, another attempt, and another request.
async fn an_outcome_in_the_place_of_another_is_refused(backend: Backend) {
    let shop = sealed(backend);
    shop.order_of("one").await;
    let store = &shop.backend.store;
    let (from, copied) = (store.last(), store.record().await.value);
    shop.order_of("two").await;
    let (to, own) = (store.last(), store.record().await.value);
    let there = |record: &Record| record.encode(&to).to_vec();
    let moved = Record::decode(&from, &copied).unwrap();
    let mut later = Record::decode(&to, &own).unwrap();
    later.attempt += 1;
    for (n, put) in [there(&moved), there(&later)].into_iter().enumerate() {
        store.corrupt(|_| put).await;
        let refused = shop.order_of("two").await;
        refused.is_problem(503, "store-unavailable");
        let counts = shop.idempotency.counts();
        assert_eq!((counts.unopened, counts.undecodable), (n as u64 + 1, 0));
    }
    assert_eq!(shop.handler.runs(), 2);
    store.corrupt(|_| own.to_vec()).await;
    assert!(shop.order_of("two").await.is_replay(), "it itself is as good as ever");
}

/// Somebody who can write into the store could forge an unsealed record.
async fn an_outcome_that_is_not_sealed_is_refused(backend: Backend) {
    let shop = sealed(backend);
    shop.order_of("k").await;
    let key = shop.backend.store.last();
    let forge = |bytes: Vec<u8>| {
        let record = Record::decode(&key, &bytes.into()).unwrap();
        let (headers, body) = (Vec::new(), "a better price".into());
        let response = StoredResponse { status: 200, headers, body, is_cut: false };
        let state = State::Completed(Outcome::Response(response));
        Record { state, ..record }.encode(&key).to_vec()
    };
    shop.backend.store.corrupt(forge).await;
    shop.order_of("k").await.is_problem(503, "store-unavailable");
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().unopened), (1, 1));
}

async fn with_another_key_nothing_runs(backend: Backend) {
    let shop = sealed(backend);
    shop.order_of("k").await;
    shop.post("/in-any-case").key("k").send().await;
    let others = [Some(Keys::new("now", [2; 32])), Some(Keys::new("other", [1; 32])), None];
    for (n, keys) in others.into_iter().enumerate() {
        let (idempotency, server) = shop.with_keys(keys);
        let refused = order_at(&server, "k").await;
        refused.is_problem(503, "store-unavailable");
        assert!(refused.header("Retry-After").is_some(), "{refused:?}");
        assert_eq!(refused.json()["retryable"], true, "another process may have the key");
        // It is known that the request ran, so it does not run, even with `on_store_error = "run"`.
        let refused = server.post("/in-any-case").key("k").send().await;
        refused.is_problem(503, "store-unavailable");
        let counts = idempotency.counts();
        assert_eq!((counts.unopened, counts.undecodable), (2, 0), "keys {n}");
        // A key that was used for another request is refused as usual.
        let other = server.post("/orders").key("k").json(&json!("another")).send().await;
        other.is_problem(422, "key-reused");
    }
    assert_eq!(shop.handler.runs(), 2);
}

async fn with_another_key_a_read_is_computed(backend: Backend) {
    let shop = sealed(backend);
    let get = async |server: &Server| server.send(Method::GET, "/cards/7").send().await.body;
    assert_eq!(get(&shop.server).await, format!("{OUTCOME} of 1"));
    let (other, server) = shop.with_keys(Some(Keys::new("other", [1; 32])));
    for run in [2, 3] {
        assert_eq!(get(&server).await, format!("{OUTCOME} of {run}"));
    }
    assert_eq!(other.counts().unopened, 2);
    assert_eq!(get(&shop.server).await, format!("{OUTCOME} of 1"), "what is there stays");
}

/// The new answer replaces the old one, and not the record of a claim.
async fn an_answer_that_is_computed_again_is_sealed_too(backend: Backend) {
    let shop = sealed(backend);
    let get = async || shop.server.send(Method::GET, "/rates/7").send().await.body;
    assert_eq!(get().await, format!("{OUTCOME} of 1"));
    shop.backend.pass(Duration::from_millis(300)).await;
    assert_eq!(get().await, format!("{OUTCOME} of 1"), "the old one, while a new one is computed");
    eventually("the new one is there", async || {
        (get().await != format!("{OUTCOME} of 1")).then_some(())
    })
    .await;
    let bytes = shop.backend.bytes().await;
    assert!(!bytes.windows(OUTCOME.len()).any(|part| part == OUTCOME.as_bytes()));
    assert_eq!(shop.idempotency.counts().unopened, 0);
}

async fn keys_are_changed_without_a_pause(backend: Backend) {
    let shop = sealed(backend);
    shop.order_of("old").await;
    let knowing = shop.with_keys(Some(keys().next("later", [2; 32]))).1;
    let later = shop.with_keys(Some(Keys::new("later", [2; 32]).previous("now", [1; 32]))).1;
    assert!(order_at(&later, "old").await.is_replay());
    order_at(&later, "new").await;
    assert!(order_at(&knowing, "new").await.is_replay());
    assert_eq!(shop.handler.runs(), 2);
    // This is after the ttl of the old key's records.
    let last = shop.with_keys(Some(Keys::new("later", [2; 32]))).1;
    assert!(order_at(&last, "new").await.is_replay());
    order_at(&last, "old").await.is_problem(503, "store-unavailable");
}

async fn sealing_begins_and_ends_without_a_pause(backend: Backend) {
    let shop = open(backend, |builder| builder);
    shop.order_of("before").await;
    let knowing = shop.with_keys(Some(keys().write_unsealed())).1;
    assert!(order_at(&knowing, "before").await.is_replay());
    order_at(&knowing, "meanwhile").await;
    assert!(shop.order_of("meanwhile").await.is_replay(), "who has no keys reads it");
    let beginning = shop.with_keys(Some(keys().accept_unsealed())).1;
    assert!(order_at(&beginning, "before").await.is_replay());
    order_at(&beginning, "sealed").await;
    assert!(order_at(&knowing, "sealed").await.is_replay());
    let done = shop.with_keys(Some(keys())).1;
    assert!(order_at(&done, "sealed").await.is_replay());
    for key in ["before", "meanwhile"] {
        order_at(&done, key).await.is_problem(503, "store-unavailable");
    }
    assert_eq!(shop.handler.runs(), 3);
}

async fn a_task_runs_where_its_key_is(backend: Backend) {
    let shop = sealed(backend);
    let address = accepted(&shop.post("/reports").key("k").json(&json!(INPUT)).send().await);
    let (other, server) = shop.with_keys(Some(Keys::new("other", [1; 32])));
    let elsewhere = ControlledHandler::new();
    let _without = run(&other, &elsewhere);
    let _with = run(&shop.idempotency, &shop.handler);
    let get = async |server: &Server| server.send(Method::GET, &address).send().await;
    eventually("it is over", async || {
        (get(&shop.server).await.json()["status"] == "succeeded").then_some(())
    })
    .await;
    assert_eq!((shop.handler.runs(), elsewhere.runs()), (1, 0));
    get(&server).await.is_problem(503, "store-unavailable");
}

async fn who_has_no_key_sees_that_a_record_is_sealed_and_can_forget_it(backend: Backend) {
    let shop = open(backend, |builder| builder.seal(keys().labels()));
    shop.order_of(LABEL).await;
    let key = shop.backend.store.last();
    let (operator, server) = shop.with_keys(None);
    let seen = operator.record(&key).await.unwrap().expect("a record");
    let state = seen.state();
    assert!(matches!(state, RecordState::Completed(KeptOutcome::Sealed { .. })), "{state:?}");
    assert_eq!((seen.label(), seen.sealed_with()), ("(sealed)", Some("now")));
    assert!(matches!(seen.outcome(), Some(Outcome::Sealed(_))));
    assert!(!format!("{seen:?} {:?}", seen.outcome()).contains(OUTCOME));
    let owner = shop.idempotency.record(&key).await.unwrap().expect("a record");
    let RecordState::Completed(KeptOutcome::Response { status: 201, .. }) = owner.state() else {
        panic!("{owner:?}")
    };
    assert_eq!((owner.label(), owner.sealed_with()), (LABEL, Some("now")));
    assert_eq!(operator.forget(&seen, Force::No).await.unwrap(), Forgotten::Yes);
    // The rest needs no key.
    assert_eq!(order_at(&server, LABEL).await.status, 201);
    assert_eq!(shop.handler.runs(), 2);
}
