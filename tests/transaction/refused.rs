//! Permanent refusals of a business database: no client is asked to repeat a request that will be refused again.

use crate::{Bank, Kind};
use tests::{Log, Reply};

on_every_database! {
    a_check_that_the_next_state_breaks_is_the_databases_refusal,
    a_state_that_is_null_is_the_databases_refusal,
    a_table_that_is_missing_is_the_databases_refusal,
    a_column_that_is_missing_is_the_databases_refusal,
    a_version_beyond_its_type_is_the_databases_refusal,
    what_only_the_commit_finds_out_is_the_databases_refusal,
}

/// A row that only this database has, so that its log lines are found.
const fn row(kind: Kind) -> u8 {
    match kind {
        Kind::Sqlite => 51,
        Kind::Postgres => 52,
        Kind::MariaDb => 53,
    }
}

fn is_refusal(reply: &Reply) {
    reply.is_problem(500, "database-refused");
    assert_eq!(
        (reply.json()["retryable"].clone(), reply.header("Retry-After")),
        (false.into(), None)
    );
}

/// Checks that the log lines of a request to this path name the place and the cause.
fn is_told(path: &str, words: &[&str]) {
    let path = format!("path={path:?}");
    let lines: Vec<_> = Log::listen().lines("the business database refuses");
    let told = |line: &&String| {
        line.contains(&path) && words.iter().all(|word| line.to_lowercase().contains(word))
    };
    assert!(lines.iter().any(|line| told(&line)), "{path} {words:?}: {lines:#?}");
}

async fn things(kind: Kind, columns: &str) -> Bank {
    Log::listen();
    let bank = Bank::open(kind, 2).await;
    bank.run(&format!("CREATE TABLE things (id BIGINT PRIMARY KEY, {columns})")).await;
    bank
}

async fn a_check_that_the_next_state_breaks_is_the_databases_refusal(kind: Kind) {
    let bank = things(kind, "status VARCHAR(20) CHECK (status <> 'paid')").await;
    let row = row(kind);
    bank.run(&format!("INSERT INTO things VALUES ({row}, 'created')")).await;
    let path = format!("/pay-with-key/{row}");
    let pay = || bank.post(&path).key("k").send();
    is_refusal(&pay().await);
    is_told(&path, &["`things.status`", "constraint"]);
    assert_eq!((bank.handler.runs(), bank.effects().await), (0, 0));
    // The key is free: after the database is mended, the same request runs.
    bank.run("DROP TABLE things").await;
    bank.run("CREATE TABLE things (id BIGINT PRIMARY KEY, status VARCHAR(20))").await;
    bank.run(&format!("INSERT INTO things VALUES ({row}, 'created')")).await;
    assert_eq!(pay().await.status, 201);
}

async fn a_state_that_is_null_is_the_databases_refusal(kind: Kind) {
    let bank = things(kind, "status VARCHAR(20)").await;
    bank.run(&format!("INSERT INTO things VALUES ({}, NULL)", row(kind))).await;
    let path = format!("/pay/{}", row(kind));
    is_refusal(&bank.post(&path).send().await);
    is_told(&path, &["`things.status`", "null"]);
}

async fn a_table_that_is_missing_is_the_databases_refusal(kind: Kind) {
    Log::listen();
    let bank = Bank::open(kind, 2).await;
    let path = format!("/row/{}", row(kind));
    is_refusal(&bank.post(&path).send().await);
    is_told(&path, &["`things`"]);
}

async fn a_column_that_is_missing_is_the_databases_refusal(kind: Kind) {
    let bank = things(kind, "edition BIGINT").await;
    let path = format!("/versioned/{}", row(kind));
    is_refusal(&bank.post(&path).header("If-Match", "\"0\"").send().await);
    is_told(&path, &["`things.version`", "version"]);
}

async fn a_version_beyond_its_type_is_the_databases_refusal(kind: Kind) {
    // SQLite has only integers of 64 bits.
    let limit = if kind == Kind::Sqlite { "CHECK (version < 2147483648)" } else { "" };
    let bank = things(kind, &format!("version INTEGER NOT NULL {limit}")).await;
    bank.run(&format!("INSERT INTO things VALUES ({}, 2147483647)", row(kind))).await;
    let path = format!("/accepting/{}", row(kind));
    is_refusal(&bank.post(&path).header("If-Match", "\"2147483647\"").send().await);
    is_told(&path, &["`things.version`"]);
}

/// `MariaDB` has no deferred constraints.
async fn what_only_the_commit_finds_out_is_the_databases_refusal(kind: Kind) {
    if kind == Kind::MariaDb {
        return;
    }
    Log::listen();
    let bank = Bank::open(kind, 2).await;
    bank.run(
        "CREATE TABLE parts (
             code VARCHAR(64) NOT NULL REFERENCES codes (code) DEFERRABLE INITIALLY DEFERRED
         );
         INSERT INTO codes VALUES ('taken')",
    )
    .await;
    let insert = "INSERT INTO parts VALUES ('nowhere')";
    for path in ["/statements", "/statements-row/taken"] {
        let send = |body: &str| bank.post(path).key("k").body(body.to_owned()).send();
        is_refusal(&send(insert).await);
        is_told(path, &["constraint"]);
        assert_eq!(bank.number("SELECT count(*) FROM parts").await, 0);
        assert_eq!(send("INSERT INTO codes VALUES ('more')").await.status, 201);
        bank.run("DELETE FROM codes WHERE code = 'more'").await;
    }
}
