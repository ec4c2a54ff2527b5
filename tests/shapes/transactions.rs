//! The business transaction as a parameter, under any name, and parameters that only look like it.

use crate::{answer, post, says};
use actix_web::dev::Payload;
use actix_web::test::init_service;
use actix_web::web::Data;
use actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse, Responder, post as on_post};
use idempotent_runtime::message::MessageError;
use idempotent_runtime::transaction::Tx as Transaction;
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Sqlite, SqlitePool, query, query_scalar};
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An app's own types with the name `Tx`, as in a block chain.
mod chain {
    #[derive(Debug)]
    pub(crate) struct Tx(pub(crate) &'static str);

    pub(crate) mod typed {
        #[derive(Debug)]
        pub(crate) struct Tx<T>(pub(crate) T);
    }
}

impl FromRequest for chain::Tx {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self("of a chain")))
    }
}

impl FromRequest for chain::typed::Tx<u8> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(7)))
    }
}

#[on_post("/x")]
#[idempotent(key = "{tx.0}")]
async fn own(tx: chain::Tx) -> impl Responder {
    tx.0
}

#[on_post("/x")]
#[idempotent(key = "{tx.0}")]
async fn own_and_typed(#[tx(false)] tx: chain::typed::Tx<u8>) -> impl Responder {
    tx.0.to_string()
}

#[actix_web::test]
async fn a_type_that_is_only_named_like_it_is_an_extractor() {
    says("of a chain", |app| app.service(own), || post("/x")).await;
    says("7", |app| app.service(own_and_typed), || post("/x")).await;
}

/// An app's own extractor that holds the transaction.
struct Bank(Transaction<Sqlite>);

impl FromRequest for Bank {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Transaction::from_request(request, payload).into_inner().map(Self))
    }
}

/// An app's own extractor. The attribute cannot see that it holds no transaction.
struct Opaque;

impl FromRequest for Opaque {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

async fn deposit(tx: &mut Transaction<Sqlite>) -> HttpResponse {
    query("INSERT INTO effects VALUES (1)").execute(&mut **tx).await.expect("it inserts");
    HttpResponse::Created().finish()
}

#[on_post("/renamed")]
#[idempotent(strategy = "dedup_table")]
async fn renamed(mut tx: Transaction<Sqlite>) -> impl Responder {
    deposit(&mut tx).await
}

#[on_post("/marked")]
#[idempotent(strategy = "dedup_table")]
async fn marked(#[tx] mut tx: Transaction<Sqlite>, _other: chain::Tx) -> impl Responder {
    deposit(&mut tx).await
}

#[on_post("/inside")]
#[idempotent(strategy = "dedup_table")]
async fn inside(mut bank: Bank) -> impl Responder {
    deposit(&mut bank.0).await
}

/// A handler that writes by the pool, without the transaction, and must be refused.
static RUNS: AtomicUsize = AtomicUsize::new(0);

#[on_post("/elsewhere")]
#[idempotent(strategy = "dedup_table", required = false)]
async fn elsewhere(_: Opaque, pool: Data<SqlitePool>) -> impl Responder {
    RUNS.fetch_add(1, Ordering::SeqCst);
    query("INSERT INTO effects VALUES (1)").execute(&**pool).await.expect("it inserts");
    HttpResponse::InternalServerError()
}

async fn business() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.expect("a database");
    query("CREATE TABLE effects (n INTEGER)").execute(&pool).await.expect("a table");
    pool
}

async fn effects(pool: &SqlitePool) -> i64 {
    query_scalar("SELECT count(*) FROM effects").fetch_one(pool).await.expect("a number")
}

fn guarded(pool: &SqlitePool) -> Idempotency {
    let guard = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
    guard.database(pool.clone()).build().expect("settings that fit")
}

#[actix_web::test]
async fn a_transaction_by_another_name_or_inside_of_an_extractor() {
    let pool = business().await;
    let routes = App::new().app_data(guarded(&pool)).service(renamed).service(marked);
    let app = init_service(routes.service(inside)).await;
    for (path, before) in [("/renamed", 0), ("/marked", 1), ("/inside", 2)] {
        for is_replay in [false, true] {
            let got = answer(&app, post(path).to_request()).await;
            assert_eq!((got.status.as_u16(), got.is_replay), (201, is_replay), "{path}");
            assert_eq!(effects(&pool).await, before + 1);
        }
    }
}

/// A handler without the transaction does not run, with a key and without one.
#[actix_web::test]
async fn a_record_of_what_is_done_elsewhere_is_refused_before_it_is_done() {
    let pool = business().await;
    let routes = App::new().app_data(guarded(&pool)).app_data(Data::new(pool.clone()));
    let app = init_service(routes.service(elsewhere)).await;
    let without_key = actix_web::test::TestRequest::post().uri("/elsewhere");
    for request in [post("/elsewhere"), post("/elsewhere"), without_key] {
        let got = answer(&app, request.to_request()).await;
        assert_eq!(got.status.as_u16(), 500);
        assert!(String::from_utf8_lossy(&got.body).contains("misconfigured"), "{got:?}");
    }
    assert_eq!((RUNS.load(Ordering::SeqCst), effects(&pool).await), (0, 0));
}

#[idempotent(strategy = "message", key = "{id}", engine = "guard", scope = "all:{id}")]
async fn book(
    guard: &Idempotency,
    id: u32,
    #[tx] mut bank: Transaction<Sqlite>,
    tx: chain::Tx,
) -> Result<String, MessageError> {
    deposit(&mut bank).await;
    Ok(tx.0.to_owned())
}

/// The parameter that is marked is left out by callers, and the one that is only named like it is not.
#[actix_web::test]
async fn the_transaction_of_a_function_is_the_parameter_that_is_marked() {
    let pool = business().await;
    let guard = guarded(&pool);
    for _ in 0..2 {
        assert_eq!(book(&guard, 7, chain::Tx("booked")).await.expect("it ran"), "booked");
    }
    assert_eq!(effects(&pool).await, 1);
}
