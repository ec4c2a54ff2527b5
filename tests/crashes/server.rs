//! A guarded server that tests kill and stop: `guarded STORE DATABASE LEDGER [dies|holds STEP]`.
//!
//! Its handlers write their effects into a business database, and wait for a line on the standard
//! input, or for some milliseconds, if the request asks for it. The server kills itself or holds at the
//! given step. The ledger is the database of the route that works in a transaction.

mod faults;
mod ledger;
mod step;
mod times;

use actix_web::dev::Service;
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, Responder, post, web};
use faults::{Fault, Faults, FaultyStore, Statements};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::lock::ZooKeeperLocks;
use idempotent_runtime::store::open;
use idempotent_runtime::{Idempotency, Scope, idempotent};
use ledger::Ledger;
use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::process::id;
use std::time::Duration;
use step::Step;
use times::{Came, Ran, now};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().ok_or("no store")?;
    let database = arguments.next().ok_or("no database")?;
    let ledger = arguments.next().ok_or("no ledger")?;
    let fate = match arguments.next().as_deref() {
        Some("dies") => Some(Fault::Dies),
        Some("holds") => Some(Fault::Holds),
        _ => None,
    };
    let step: Option<Step> = arguments.next().map(|step| step.parse()).transpose()?;
    let faults = Faults(fate.zip(step));
    // Statements of a store are not steps of a transaction; its claim is granted after its commit.
    let statements = if store == "memory:" { faults } else { Faults(None) };
    tracing::subscriber::set_global_default(Statements(statements))?;

    let pool = connect(&database).await?;
    let locks = store.starts_with("zookeeper:").then_some(&store);
    let records = open(if locks.is_some() { "memory:" } else { &store }).await?;
    let guard = Idempotency::builder(FaultyStore { store: records, faults });
    let guard = match locks {
        Some(url) => guard.locks(ZooKeeperLocks::connect_for(url, Duration::from_secs(2)).await?),
        None => guard,
    };
    let guard = guard.scope(Scope::header("Authorization"));
    let ledger = Ledger::open(&ledger).await?;
    let guard = ledger.guard(guard).build()?;
    let business = web::Data::new(Business { pool, faults });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(guard.clone())
            .app_data(business.clone())
            .app_data(web::Data::new(faults))
            .wrap_fn(move |request, service| {
                request.extensions_mut().insert(Came(now()));
                let called = service.call(request);
                async move {
                    let mut response = called.await;
                    faults.reach(Step::BeforeResponse);
                    if let Ok(response) = &mut response {
                        times::tell(response);
                    }
                    response
                }
            })
            .service((retry, hold, lasting, lock, lock_impatiently))
            .configure(|config| ledger.routes(config))
    });
    let server = server.workers(2).bind(("127.0.0.1", 0))?;
    println!("http://{}", server.addrs()[0]);
    stdout().flush()?;
    Ok(server.run().await?)
}

async fn connect(path: &str) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    // Another process may be stopped while it writes.
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_mins(1));
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS marks (thing TEXT, mark TEXT, attempt INTEGER);
         CREATE TABLE IF NOT EXISTS spans (thing TEXT, attempt INTEGER, process INTEGER, asked INTEGER,
                                         entered INTEGER);
         CREATE TABLE IF NOT EXISTS fences (thing TEXT PRIMARY KEY, fence INTEGER)",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

/// The business database, and the effects of handlers.
struct Business {
    pool: SqlitePool,
    faults: Faults,
}

impl Business {
    /// The effect of every handler on the thing that the request names.
    async fn work(&self, request: &HttpRequest, attempt: &Attempt) -> HttpResponse {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let thing = header("Idempotency-Key").unwrap_or("account");
        // SQLite counts with a sign; no test gets that far.
        let (attempt, began) = (attempt.number().cast_signed(), now());
        self.span(thing, attempt, times::came(request), began).await;
        self.mark(thing, "entered", attempt).await;
        if header("X-Hold").is_some() {
            let line = web::block(|| stdin().read_line(&mut String::new())).await;
            line.expect("a thread to wait on").expect("a line");
        }
        if let Some(slow) = header("X-Slow").and_then(|slow| slow.parse().ok()) {
            actix_web::rt::time::sleep(Duration::from_millis(slow)).await;
        }
        self.faults.reach(Step::BeforeEffect);
        self.mark(thing, "effect", attempt).await;
        let fenced = if self.fenced(thing, attempt).await { "made" } else { "refused" };
        self.faults.reach(Step::AfterEffect);
        request.extensions_mut().insert(Ran { began, ended: now() });
        HttpResponse::Created().json(json!({"attempt": attempt, "fenced": fenced}))
    }

    /// The time of a request before its claim, and the time when its handler began, after the claim.
    async fn span(&self, thing: &str, attempt: i64, came: i64, began: i64) {
        let insert = sqlx::query("INSERT INTO spans VALUES (?, ?, ?, ?, ?)");
        let insert = insert.bind(thing).bind(attempt).bind(id()).bind(came).bind(began);
        insert.execute(&self.pool).await.expect("the business database works");
    }

    /// A change that only the guard protects.
    async fn mark(&self, thing: &str, mark: &str, attempt: i64) {
        let insert = sqlx::query("INSERT INTO marks VALUES (?, ?, ?)");
        let inserted = insert.bind(thing).bind(mark).bind(attempt).execute(&self.pool).await;
        inserted.expect("the business database works");
    }

    /// A change that an older run cannot make after a newer one; returns whether it was made.
    async fn fenced(&self, thing: &str, attempt: i64) -> bool {
        let update = sqlx::query(
            "INSERT INTO fences VALUES (?, ?) ON CONFLICT (thing)
             DO UPDATE SET fence = excluded.fence WHERE fence < excluded.fence",
        );
        let updated = update.bind(thing).bind(attempt).execute(&self.pool).await;
        updated.expect("the business database works").rows_affected() == 1
    }
}

type Shop = web::Data<Business>;

#[post("/retry")]
#[idempotent(lease = "1s", on_abandoned = "retry")]
async fn retry(request: HttpRequest, attempt: Attempt, shop: Shop) -> impl Responder {
    shop.work(&request, &attempt).await
}

#[post("/hold")]
#[idempotent(lease = "1s", on_abandoned = "hold")]
async fn hold(request: HttpRequest, attempt: Attempt, shop: Shop) -> impl Responder {
    shop.work(&request, &attempt).await
}

#[post("/lasting")]
#[idempotent(lease = "10s", on_abandoned = "retry", on_in_flight = "wait", wait = "500ms")]
async fn lasting(request: HttpRequest, attempt: Attempt, shop: Shop) -> impl Responder {
    shop.work(&request, &attempt).await
}

#[post("/lock")]
#[idempotent(strategy = "lock", key = "account", lease = "1s", wait = "10s")]
async fn lock(request: HttpRequest, attempt: Attempt, shop: Shop) -> impl Responder {
    shop.work(&request, &attempt).await
}

#[post("/lock-impatiently")]
#[idempotent(strategy = "lock", key = "account", lease = "1s", wait = "50ms")]
async fn lock_impatiently(request: HttpRequest, attempt: Attempt, shop: Shop) -> impl Responder {
    shop.work(&request, &attempt).await
}
