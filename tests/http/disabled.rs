//! Records that are turned off: some requests run unguarded then, others stay guarded.

use crate::{Shop, guard};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Responder, get, post};
use idempotent_runtime::extract::DownstreamKey;
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{
    BuildError, Idempotency, IdempotencyBuilder, MemoryStore, Middleware, Scope, idempotent,
};
use reqwest::Method;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Sqlite, SqlitePool};
use std::env::{current_exe, var_os};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tests::{Backend, ControlledHandler, Log, Probe, Server};

on_every_store! {
    every_request_runs_and_is_counted_and_told_so,
    a_request_that_is_no_request_is_refused_as_ever,
    an_answer_is_computed_for_each_reader,
    a_lock_and_a_token_are_held_as_ever,
}

type Handler = Data<ControlledHandler>;

#[get("/answer")]
#[idempotent(strategy = "cache", ttl = "1m")]
async fn answer(handler: Handler) -> impl Responder {
    let mut response = handler.run().await;
    *response.status_mut() = actix_web::http::StatusCode::OK;
    response
}

#[post("/downstream")]
#[idempotent]
async fn downstream(handler: Handler, downstream: DownstreamKey) -> impl Responder {
    handler.run().await;
    downstream.key("bank", "charge")
}

#[post("/dedup")]
#[idempotent(strategy = "dedup_table")]
async fn dedup(handler: Handler, _tx: Tx<Sqlite>) -> impl Responder {
    handler.run().await
}

#[post("/versioned/{id}")]
#[idempotent(
    strategy = "version",
    table = "things",
    id = "{path.id}",
    key = "{header.Idempotency-Key}"
)]
async fn versioned(handler: Handler, _tx: Tx<Sqlite>) -> impl Responder {
    handler.run().await
}

fn with_all(idempotency: &Idempotency, config: &mut ServiceConfig) {
    static WRITES: Policy = Policy::of_routes(Strategy::RequestId);
    let behind = |config: &mut ServiceConfig| {
        config.route("/plain", web::post().to(async |handler: Handler| handler.run().await));
        config.service(downstream);
    };
    let scope = web::scope("/scope").wrap(Middleware::new(idempotency, &WRITES)).configure(behind);
    config.service((answer, dedup, versioned)).service(scope).configure(crate::routes::all);
}

fn open(backend: Backend) -> Shop {
    Shop::serving(backend, IdempotencyBuilder::disabled, with_all)
}

async fn every_request_runs_and_is_counted_and_told_so(backend: Backend) {
    let shop = open(backend);
    for (run, path) in [(0, "/orders"), (2, "/scope/plain")] {
        for run in [run + 1, run + 2] {
            let reply = shop.post(path).key("k").send().await;
            assert_eq!((reply.status, &*reply.body), (201, format!("run {run}").as_bytes()));
            assert_eq!(reply.header("Idempotency-Stored"), Some("false"));
            assert_eq!(shop.idempotency.counts().unguarded, run);
        }
    }
    // There are two guards around each other. Keys for other systems still name the request.
    let first = shop.post("/scope/downstream").key("k").send().await;
    let again = shop.post("/scope/downstream").key("k").send().await;
    assert_eq!((first.status, &first.body), (200, &again.body));
    let counts = shop.idempotency.counts();
    assert_eq!((counts.unguarded, counts.ran, counts.replayed, shop.handler.runs()), (6, 0, 0, 6));
}

async fn a_request_that_is_no_request_is_refused_as_ever(backend: Backend) {
    let shop = open(backend);
    shop.post("/orders").send().await.is_problem(400, "key-missing");
    let url = format!("http://{}/orders", shop.server.address());
    let nobody = tests::Sender::anonymous(Method::POST, url).key("k").send().await;
    nobody.is_problem(400, "scope-missing");
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().unguarded), (0, 0));
}

async fn an_answer_is_computed_for_each_reader(backend: Backend) {
    let shop = open(backend);
    for run in [1, 2] {
        let reply = shop.server.send(Method::GET, "/answer").send().await;
        assert_eq!((reply.status, &*reply.body), (200, format!("run {run}").as_bytes()));
    }
    assert_eq!(shop.idempotency.counts().unguarded, 2);
}

async fn a_lock_and_a_token_are_held_as_ever(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/7").send());
    shop.handler.runs_reach(1).await;
    shop.post("/locked-impatiently/7").send().await.is_problem(423, "locked");
    shop.handler.resume();
    assert_eq!(first.await.expect("it ends").status, 201);

    let token = shop.server.send(Method::GET, "/tokens/token").send().await.body;
    let spent = async || shop.post("/token").header("token", &token).send().await;
    assert_eq!(spent().await.status, 201);
    spent().await.is_problem(409, "duplicate");
    assert_eq!(shop.idempotency.counts().unguarded, 0);
}

/// A database with one thing.
async fn database() -> (SqlitePool, TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("business.db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new().connect_with(options).await.expect("a database");
    let schema = "CREATE TABLE things (id TEXT PRIMARY KEY, version INTEGER NOT NULL DEFAULT 1);
                  INSERT INTO things (id) VALUES ('7');";
    sqlx::raw_sql(schema).execute(&pool).await.expect("a table");
    (pool, directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_and_a_row_guard_as_ever_and_the_key_of_a_row_does_not() {
    let (pool, _directory) = database().await;
    let idempotency =
        guard(&Backend::memory().await).database(pool).disabled().build().expect("it fits");
    let (handler, of_app) = (ControlledHandler::new(), idempotency.clone());
    let server = Server::start(&idempotency, &handler, move |config| with_all(&of_app, config));

    assert_eq!(server.post("/dedup").key("k").send().await.status, 201);
    assert!(server.post("/dedup").key("k").send().await.is_replay());
    assert_eq!((handler.runs(), idempotency.counts().unguarded), (1, 0));

    let change =
        async || server.post("/versioned/7").key("k").header("If-Match", "\"1\"").send().await;
    let changed = change().await;
    assert_eq!((changed.status, changed.header("ETag")), (201, Some("\"2\"")));
    assert_eq!(changed.header("Idempotency-Stored"), Some("false"));
    change().await.is_problem(412, "version-mismatch");
    assert_eq!((handler.runs(), idempotency.counts().unguarded), (2, 2));
}

static BOOKED: AtomicU64 = AtomicU64::new(0);

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: &str) -> Result<u64, MessageError> {
    Ok(BOOKED.fetch_add(1, Ordering::SeqCst))
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages", on_duplicate = "reject")]
async fn book_in_transaction(
    messages: &Messages,
    id: &str,
    _tx: Tx<Sqlite>,
) -> Result<(), BookError> {
    Ok(())
}

#[derive(Debug)]
struct BookError(MessageError);

impl From<MessageError> for BookError {
    fn from(error: MessageError) -> Self {
        Self(error)
    }
}

#[tokio::test]
async fn a_function_runs_each_time_unless_it_has_a_transaction() {
    let (pool, _directory) = database().await;
    let probe = Probe::new(MemoryStore::new());
    let builder = Messages::builder(probe.clone()).scope("tests").database(pool);
    let messages = builder.disabled().build().expect("it fits");
    assert_eq!(book(&messages, "a").await.expect("it runs"), 0);
    assert_eq!(book(&messages, "a").await.expect("it runs"), 1);
    assert_eq!((messages.counts().unguarded, probe.claims()), (2, 0));
    book_in_transaction(&messages, "a").await.expect("it runs");
    let again = book_in_transaction(&messages, "a").await.expect_err("a duplicate");
    assert!(matches!(again.0, MessageError::Duplicate), "{again:?}");
    assert_eq!(messages.counts().unguarded, 2);
}

/// The variable of the process that a test starts.
const SWITCH: &str = "OUR_GUARDS_ARE_OFF";

/// Runs this test in a process of its own, with the variable set or not.
#[test]
fn a_variable_turns_records_off_where_the_app_names_it() {
    let build = |name: &str| {
        let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
        builder.disabled_by_env(name).build()
    };
    if let Some(value) = var_os(SWITCH) {
        let log = Log::listen();
        let told = || log.lines("records are off").len();
        build("NOBODY_SETS_THIS").expect("nothing is said");
        Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().expect("it fits");
        assert_eq!(told(), 0);
        match (value.to_str(), build(SWITCH)) {
            (Some("1" | "true"), Ok(_)) => {
                assert_eq!(told(), 1);
                assert!(log.lines("records are off")[0].contains(SWITCH));
            }
            (Some("" | "0" | "false"), Ok(_)) => assert_eq!(told(), 0),
            (Some("off"), Err(error @ BuildError::NoSwitch(_))) => {
                let error = error.to_string();
                assert!(error.contains("`OUR_GUARDS_ARE_OFF` is `off`"), "{error}");
            }
            (value, other) => panic!("{value:?}: {other:?}"),
        }
        return;
    }
    let name = "disabled::a_variable_turns_records_off_where_the_app_names_it";
    for value in ["1", "true", "", "0", "false", "off"] {
        let inside = Command::new(current_exe().expect("this program"))
            .args(["--exact", name])
            .env(SWITCH, value)
            .output()
            .expect("it starts");
        assert!(inside.status.success(), "{value}: {}", String::from_utf8_lossy(&inside.stdout));
        assert!(String::from_utf8_lossy(&inside.stdout).contains("1 passed"), "it was found");
    }
}
