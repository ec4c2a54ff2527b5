//! Transactions that end in another way than their handlers expect, and the connections that they leave.

use crate::bank::Pool;
use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::{Log, PostgresServer, Proxy, Reply, eventually};
use tokio::task::block_in_place;

on_every_database! {
    a_worker_that_ends_in_mid_transaction_panics_nowhere_and_leaves_nothing,
    what_was_set_for_a_transaction_is_not_left_behind,
    a_success_after_a_statement_that_failed_commits_only_where_the_database_can,
}

/// The number of drops outside of a runtime.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);

fn count_panics_outside_of_a_runtime() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let message = panic.payload_as_str().unwrap_or_default();
            OUTSIDE.fetch_add(usize::from(message.contains("Tokio context")), Ordering::SeqCst);
            before(panic);
        }));
    });
}

async fn a_worker_that_ends_in_mid_transaction_panics_nowhere_and_leaves_nothing(kind: Kind) {
    count_panics_outside_of_a_runtime();
    let mut bank = Bank::open(kind, 1).await;
    // The table of records exists: on SQLite a rollback would remove a new table, too.
    assert_eq!(bank.post("/dedup").key("before").send().await.status, 201);
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/dedup").key("k").try_send());
    bank.handler.runs_reach(2).await;
    // The server's workers do not wait, and drop their requests.
    block_in_place(|| bank.restart());
    assert!(first.await.expect("no panic here").is_err());
    assert_eq!(OUTSIDE.load(Ordering::SeqCst), 0);
    bank.handler.resume();
    // The pool's only connection is free again, with its settings.
    assert_eq!((bank.effects().await, bank.records().await), (1, 1));
    assert_eq!(bank.post("/dedup").key("k").send().await.status, 201);
    assert_eq!((bank.effects().await, bank.records().await), (2, 2));
}

/// `PostgreSQL` commits nothing of such a transaction. The other databases undo the statement alone.
async fn a_success_after_a_statement_that_failed_commits_only_where_the_database_can(kind: Kind) {
    Log::listen();
    let bank = Bank::open(kind, 2).await;
    bank.run("INSERT INTO codes VALUES ('taken')").await;
    let lines = "INSERT INTO codes VALUES ('before')\nINSERT INTO codes VALUES ('taken')";
    let send = || bank.post("/statements").key("swallowed").body(lines.to_owned()).send();
    let kept = async || bank.number("SELECT count(*) FROM codes").await;
    if kind != Kind::Postgres {
        assert_eq!((send().await.status, kept().await), (201, 2));
        return;
    }
    for _ in 0..2 {
        let refused = send().await;
        refused.is_problem(503, "store-unavailable");
        let body = refused.json();
        assert_eq!(body["retryable"], true);
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("ended the transaction before its commit"), "{detail}");
        assert_eq!((kept().await, bank.records().await), (1, 0));
    }
    let lines = Log::listen().lines("the database ended a transaction before its commit");
    assert!(lines.iter().any(|line| line.contains("an earlier statement failed")), "{lines:#?}");
}

/// The settings that guards make on their session, as one number.
const fn session(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "SELECT 1",
        Kind::Postgres => {
            "SELECT extract(epoch FROM current_setting('lock_timeout')::interval)::bigint"
        }
        Kind::MariaDb => {
            "SELECT CAST(@@innodb_lock_wait_timeout * 4 + @@autocommit * 2
                         + (@@completion_type = 'NO_CHAIN') AS SIGNED)"
        }
    }
}

/// The number of the connection.
fn connection(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "SELECT 0",
        Kind::Postgres => "SELECT pg_backend_pid()::bigint",
        Kind::MariaDb => "SELECT CAST(CONNECTION_ID() AS SIGNED)",
    }
}

async fn what_was_set_for_a_transaction_is_not_left_behind(kind: Kind) {
    let bank = Bank::open(kind, 1).await;
    let seen = async || [bank.number(session(kind)).await, bank.number(connection(kind)).await];
    let before = seen().await;
    bank.run("CREATE TABLE things (id BIGINT PRIMARY KEY)").await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        2 => panic!("as the test wants it"),
        3 => HttpResponse::Conflict().finish(),
        _ => HttpResponse::Created().finish(),
    });
    for (path, key, status) in [
        ("/dedup", "k", 503),
        ("/dedup", "k", 500),
        ("/dedup", "k", 409),
        ("/dedup", "k", 409),
        ("/dedup", "l", 201),
        ("/dedup", "l", 201),
        ("/row/1", "k", 404),
    ] {
        assert_eq!(bank.post(path).key(key).send().await.status, status);
        assert_eq!(seen().await, before, "after {status}");
        // No transaction is under way on it, either.
        bank.run("INSERT INTO effects VALUES ('by somebody else')").await;
    }
    assert_eq!(bank.number("SELECT count(*) FROM effects").await, 8);
}

/// These settings differ from those of the pool's first connection, and from those at its opening.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_keeps_the_settings_that_others_of_its_pool_gave_it() {
    for (kind, set) in [
        (
            Kind::Postgres,
            "SET lock_timeout = '77s'; SET idle_in_transaction_session_timeout = '33s'",
        ),
        (Kind::MariaDb, "SET SESSION innodb_lock_wait_timeout = 77"),
        (Kind::MariaDb, "SET SESSION innodb_lock_wait_timeout = 77, SESSION autocommit = 0"),
    ] {
        let bank = Bank::open(kind, 1).await;
        assert_eq!(bank.post("/dedup").key("before").send().await.status, 201);
        let rest = "SELECT extract(epoch FROM
                           current_setting('idle_in_transaction_session_timeout')::interval)::bigint";
        let rest = if kind == Kind::Postgres { rest } else { "SELECT 33" };
        let seen = async || {
            let session = bank.number(session(kind)).await;
            [session, bank.number(connection(kind)).await, bank.number(rest).await]
        };
        bank.run(set).await;
        let set = seen().await;
        assert_eq!(set[2], 33);
        let statuses = [("k", 409), ("k", 409), ("l", 201), ("l", 201)];
        bank.handler.answers(|run| match run {
            2 => HttpResponse::Conflict().finish(),
            _ => HttpResponse::Created().finish(),
        });
        for (key, status) in statuses {
            assert_eq!(bank.post("/dedup").key(key).send().await.status, status);
            assert_eq!(seen().await, set, "{kind:?} after {status}");
        }
    }
}

/// On `MariaDB` the loser of a deadlock has no transaction any more; on `PostgreSQL` its transaction can only be
/// rolled back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_goes_on_after_a_deadlock_commits_nothing() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        for path in ["crossing", "crossing-row"] {
            let bank = Bank::open(kind, 4).await;
            bank.run("CREATE TABLE things (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)").await;
            bank.run("INSERT INTO things VALUES (1, 0), (2, 0)").await;
            bank.handler.pause();
            let send = |pair: &str| bank.post(&format!("/{path}/{pair}")).key(pair).send();
            let crossing = ["1/2", "2/1"].map(|pair| tokio::spawn(send(pair)));
            bank.handler.runs_reach(2).await;
            bank.handler.resume();
            let replies = join_all(crossing).await;
            let replies = replies.into_iter().map(|reply| reply.expect("no panic"));
            let (won, lost): (Vec<_>, Vec<_>) = replies.partition(|reply| reply.status == 201);
            assert_eq!((won.len(), lost.len()), (1, 1), "{kind:?} {path}");
            lost[0].is_problem(503, "store-unavailable");
            assert_eq!(bank.effects().await, 1, "{kind:?} {path}");
            assert_eq!(bank.number("SELECT count(*) FROM things WHERE version = 1").await, 2);
        }
    }
}

/// `PostgreSQL` closes the connection of a transaction that rests for too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_rests_for_too_long_commits_nothing_and_is_told_so() {
    Log::listen();
    let server = PostgresServer::shared().await;
    // Over TCP, so that the server's last word can be read.
    let (proxy, database) = (Proxy::to(server).await, server.database().await);
    let url = PostgresServer::through(&proxy, &database);
    let set = "SET idle_in_transaction_session_timeout = '300ms'";
    let pool = Pool::postgres(&url, 2, set).await;
    let bank = Bank::on(pool, tempfile::tempdir().expect("a directory")).await;
    bank.handler.pause();
    let resting = tokio::spawn(bank.post("/dedup").key("resting").send());
    bank.handler.runs_reach(1).await;
    let rests = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'idle in transaction'";
    eventually("it is over", async || (bank.number(rests).await == 0).then_some(())).await;
    bank.handler.resume();
    let refused = resting.await.expect("no panic");
    refused.is_problem(503, "store-unavailable");
    let body = refused.json();
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("ended the transaction before its commit"), "{detail}");
    assert_eq!((bank.effects().await, bank.records().await), (0, 0));
    let lines = Log::listen().lines("the database ended a transaction before its commit");
    let told = |line: &String| line.contains("took too long between two statements");
    assert!(lines.iter().any(told), "{lines:#?}");
    assert_eq!(bank.post("/dedup").key("resting").send().await.status, 201);
}

/// On `PostgreSQL` a statement would go on without a client, and its transaction would hold the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_in_the_middle_of_a_statement_frees_its_key() {
    let server = PostgresServer::shared().await;
    let (proxy, database) = (Proxy::to(server).await, server.database().await);
    let [far, near] =
        [PostgresServer::through(&proxy, &database), database].map(async |database| {
            let pool = Pool::postgres(&database, 4, "SELECT 1").await;
            Bank::on(pool, tempfile::tempdir().expect("a directory")).await
        });
    let (far, near) = (far.await, near.await);
    let gone = tokio::spawn(far.post("/sleeping").key("k").header("X-Sleep", "1").send());
    let sleeps = "SELECT count(*) FROM pg_stat_activity
                  WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'";
    eventually("it sleeps", async || (near.number(sleeps).await == 1).then_some(())).await;
    near.post("/sleeping").key("k").send().await.is_problem(409, "in-progress");
    proxy.drop_connections();
    assert_eq!(gone.await.expect("no panic").status, 503);
    let retry = eventually("its key is free", async || {
        let retry = near.post("/sleeping").key("k").send().await;
        (retry.status != 409).then_some(retry)
    })
    .await;
    assert_eq!((retry.status, retry.is_replay()), (201, false), "{retry:?}");
    assert_eq!((near.effects().await, near.records().await), (1, 1));
}

/// Without a record a repetition is not recognised: it would have the effect again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_a_client_is_told_to_look_and_not_to_repeat() {
    let server = PostgresServer::shared().await;
    let (proxy, database) = (Proxy::to(server).await, server.database().await);
    let pool = Pool::postgres(&PostgresServer::through(&proxy, &database), 4, "SELECT 1").await;
    let bank = Bank::on(pool, tempfile::tempdir().expect("a directory")).await;
    let bank = bank.with_things("INSERT INTO things (id) VALUES (7), (8), (9)").await;
    bank.handler.pause();
    let with_key = tokio::spawn(bank.post("/pay-with-key/7").key("k").send());
    let without = tokio::spawn(bank.post("/pay/8").send());
    let by_form = tokio::spawn(bank.post("/pay/9").header("Accept", "text/html").send());
    bank.handler.runs_reach(3).await;
    proxy.drop_connections();
    bank.handler.resume();
    let [with_key, without, by_form] =
        [with_key, without, by_form].map(async |reply| reply.await.expect("no panic"));
    let (with_key, without) = (with_key.await, without.await);
    let told = |reply: &Reply| {
        reply.is_problem(503, "store-unavailable");
        let problem = reply.json();
        let detail = problem["detail"].to_string();
        let (repeats, looks) = (detail.contains("same key"), detail.contains("look whether"));
        (problem["retryable"].clone(), reply.header("Retry-After").is_some(), repeats, looks)
    };
    assert_eq!(told(&with_key), (true.into(), true, true, false), "{with_key:?}");
    assert_eq!(told(&without), (false.into(), false, false, true), "{without:?}");
    let page = String::from_utf8(by_form.await.body.to_vec()).expect("text");
    assert!(page.contains("before you checked whether it happened"), "{page}");
}
