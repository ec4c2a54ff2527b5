//! The shop's own data, in a database of its own.

pub(crate) mod accounts;
pub(crate) mod goods;
pub(crate) mod purchase_orders;

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{SqliteConnection, SqlitePool};
use std::str::FromStr;
use std::time::Duration;

const SCHEMA: &str = "\
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
    code   TEXT NOT NULL PRIMARY KEY,
    sku    TEXT NOT NULL,
    status TEXT NOT NULL
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
CREATE TABLE IF NOT EXISTS effects (operation TEXT NOT NULL PRIMARY KEY, runs INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS revoked (account TEXT NOT NULL PRIMARY KEY) STRICT;";

/// An order as it is kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) account: String,
}

/// The begin or the end of a message, as it is kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Mark {
    pub(crate) event: String,
    pub(crate) text: String,
    /// Which holder of the phone's lock it was.
    pub(crate) fence: u64,
}

/// Counts that the body of an operation ran; inside of a transaction, if it commits.
pub(crate) async fn count(connection: &mut SqliteConnection, operation: &str) -> sqlx::Result<()> {
    let count = "INSERT INTO effects (operation, runs) VALUES (?, 1)
                 ON CONFLICT (operation) DO UPDATE SET runs = runs + 1";
    sqlx::query(count).bind(operation).execute(connection).await.map(drop)
}

/// The shop's database.
#[derive(Clone, Debug)]
pub(crate) struct Business(SqlitePool);

impl Business {
    pub(crate) async fn open(url: &str) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Counts that the body of an operation ran, whatever comes of it.
    pub(crate) async fn count(&self, operation: &str) -> sqlx::Result<()> {
        count(&mut *self.0.acquire().await?, operation).await
    }

    /// The pool itself, for what stands in its transactions.
    pub(crate) fn pool(&self) -> SqlitePool {
        self.0.clone()
    }

    /// What is on an account.
    pub(crate) async fn balance(&self, id: &str) -> sqlx::Result<Option<i64>> {
        accounts::balance(&mut *self.0.acquire().await?, id).await
    }

    /// How often each body ran.
    pub(crate) async fn effects(&self) -> sqlx::Result<Map<String, Value>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT operation, runs FROM effects").fetch_all(&self.0).await?;
        Ok(rows.into_iter().map(|(operation, runs)| (operation, runs.into())).collect())
    }

    pub(crate) async fn insert(&self, order: &Order) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO orders (id, account, sku, quantity) VALUES (?, ?, ?, ?)")
            .bind(&order.id)
            .bind(&order.account)
            .bind(&order.sku)
            .bind(order.quantity)
            .execute(&self.0)
            .await
            .map(drop)
    }

    /// The orders of one account, oldest first.
    pub(crate) async fn orders(&self, account: &str) -> sqlx::Result<Vec<Order>> {
        sqlx::query_as(
            "SELECT id, sku, quantity, account FROM orders WHERE account = ? ORDER BY id",
        )
        .bind(account)
        .fetch_all(&self.0)
        .await
    }

    /// One order of one account.
    pub(crate) async fn order(&self, account: &str, id: &str) -> sqlx::Result<Option<Order>> {
        sqlx::query_as("SELECT id, sku, quantity, account FROM orders WHERE account = ? AND id = ?")
            .bind(account)
            .bind(id)
            .fetch_optional(&self.0)
            .await
    }

    pub(crate) async fn mark(&self, phone: &str, mark: &Mark) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO marks (phone, event, text, fence) VALUES (?, ?, ?, ?)")
            .bind(phone)
            .bind(&mark.event)
            .bind(&mark.text)
            .bind(i64::try_from(mark.fence).unwrap_or(i64::MAX))
            .execute(&self.0)
            .await
            .map(drop)
    }

    /// What happened on a phone, oldest first.
    pub(crate) async fn marks(&self, phone: &str) -> sqlx::Result<Vec<Mark>> {
        sqlx::query_as("SELECT event, text, fence FROM marks WHERE phone = ? ORDER BY number")
            .bind(phone)
            .fetch_all(&self.0)
            .await
    }

    pub(crate) async fn revoke(&self, account: &str) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO revoked (account) VALUES (?) ON CONFLICT DO NOTHING")
            .bind(account)
            .execute(&self.0)
            .await
            .map(drop)
    }

    pub(crate) async fn is_revoked(&self, account: &str) -> sqlx::Result<bool> {
        let row = sqlx::query("SELECT 1 FROM revoked WHERE account = ?").bind(account);
        Ok(row.fetch_optional(&self.0).await?.is_some())
    }
}
