//! Statements for `SQLite`.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{SqlSafeStr, SqlStr, SqlitePool};
use std::str::FromStr;
use std::time::Duration;

pub(super) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS orders (
    id       TEXT    NOT NULL PRIMARY KEY,
    account  TEXT    NOT NULL,
    sku      TEXT    NOT NULL,
    quantity INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS accounts (id TEXT NOT NULL PRIMARY KEY, balance INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS goods (
    id      TEXT    NOT NULL PRIMARY KEY,
    count   INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS purchase_orders (
    code    TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    sku     TEXT NOT NULL,
    status  TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER NOT NULL PRIMARY KEY,
    code   TEXT    NOT NULL,
    entry  TEXT    NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS marks (
    number INTEGER NOT NULL PRIMARY KEY,
    phone  TEXT    NOT NULL,
    event  TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    fence  INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS users (
    account TEXT NOT NULL,
    id      TEXT NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;
CREATE TABLE IF NOT EXISTS runs (operation TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS revoked (account TEXT NOT NULL PRIMARY KEY) STRICT;";

pub(super) const PAY_IN: &str = "\
INSERT INTO accounts (id, balance) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + excluded.balance";

pub(super) const ADD_GOODS: &str = "\
INSERT INTO goods (id, count, version) VALUES (?, ?, 0) ON CONFLICT DO NOTHING";

pub(super) const REVOKE: &str = "INSERT INTO revoked (account) VALUES (?) ON CONFLICT DO NOTHING";

pub(super) const RENAME: &str = "\
INSERT INTO users (account, id, name) VALUES (?, ?, ?)
ON CONFLICT (account, id) DO UPDATE SET name = excluded.name";

pub(super) async fn open(url: &str) -> sqlx::Result<SqlitePool> {
    if matches!(url, "sqlite:" | "sqlite://") || url.contains(":memory:") {
        // In memory, every connection would have a database of its own.
        return Err(sqlx::Error::Configuration(format!("`{url}` names no file").into()));
    }
    let opened = connect(url).await;
    opened.map_err(|error| sqlx::Error::Configuration(format!("{url}: {error}").into()))
}

async fn connect(url: &str) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url)?;
    // The file is created, as `--store` does, unless `?mode=…` says otherwise.
    let options = if url.contains("mode=") { options } else { options.create_if_missing(true) };
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(5));
    let pool = super::pool().connect_with(options).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    Ok(pool)
}

/// A statement whose parameters are written `?`.
pub(super) fn sql(statement: &'static str) -> SqlStr {
    statement.into_sql_str()
}
