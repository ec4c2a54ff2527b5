//! `SQLite`: one writer at a time, so a transaction that writes excludes all others from its start.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::policy::{Row, Stored};
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::store::sql::sqlite::rows::{SCHEMA, look, put, stored};
use crate::transaction::database::{Database, Open, sealed};
use crate::transaction::row::RowPlan;
use bytes::Bytes;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::any::{Any, TypeId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MARK: &str = "SAVEPOINT idempotent_handler";
const UNDO: &str = "ROLLBACK TO SAVEPOINT idempotent_handler";

impl sealed::Sealed for SqlitePool {}

impl Database for SqlitePool {
    fn begin(&self) -> StoreFuture<'_, Box<dyn Open>> {
        Box::pin(async move {
            // A deferred transaction that reads and then writes fails at once when another writes.
            let transaction = self.begin_with("BEGIN IMMEDIATE").await;
            let transaction = transaction.map_err(|error| failed("begin", error))?;
            Ok(Box::new(Opened(Some(transaction))) as Box<dyn Open>)
        })
    }

    fn kind(&self) -> TypeId {
        TypeId::of::<Sqlite>()
    }

    fn describe(&self) -> String {
        format!("SQLite file {}", self.connect_options().get_filename().display())
    }
}

/// A transaction, unless a handler has it.
struct Opened(Option<Transaction<'static, Sqlite>>);

impl Opened {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.0.as_deref_mut().ok_or_else(kept)
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), StoreError> {
        let ran = sqlx::raw_sql(statement).execute(self.connection()?).await;
        ran.map(drop).map_err(|error| failed("transaction", error))
    }
}

impl Open for Opened {
    fn claim<'a>(
        &'a mut self,
        key: &'a StorageKey,
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            let connection = self.connection()?;
            let claimed = async {
                // Cheap beside a commit, and nothing to forget when a database is made anew.
                sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
                let now = now();
                let ends = now.saturating_add(stored(life));
                if put(connection, key, value, ends, now, None).await? {
                    return Ok(None);
                }
                look(connection, key, now).await
            };
            let there = claimed.await.map_err(|error| failed("claim", error))?;
            Ok(there.map(|entry| entry.value))
        })
    }

    fn complete<'a>(
        &'a mut self,
        key: &'a StorageKey,
        claimed: &'a [u8],
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let now = now();
            let ends = now.saturating_add(stored(life));
            let done = put(self.connection()?, key, value, ends, now, Some(claimed)).await;
            if done.map_err(|error| failed("complete", error))? {
                return Ok(());
            }
            let gone = "the record of this transaction is gone before its end";
            Err(StoreError::new(StoreErrorKind::Corrupt, "complete").because(gone))
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            // The whole database is ours already.
            let Row { table, id, .. } = plan.row;
            let look = format!("SELECT 1 FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query(AssertSqlSafe(look)).bind(&plan.id);
            let row = look.fetch_optional(self.connection()?).await;
            Ok(row.map_err(|error| failed("lock", error))?.is_some())
        })
    }

    fn exchange<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: Stored,
        next: Stored,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let update = format!(
                "UPDATE \"{table}\" SET \"{column}\" = ? WHERE \"{id}\" = ? AND \"{column}\" = ?"
            );
            let update = bound(sqlx::query(AssertSqlSafe(update)), next).bind(&plan.id);
            let updated = bound(update, expected).execute(self.connection()?).await;
            Ok(updated.map_err(|error| failed("exchange", error))?.rows_affected() == 1)
        })
    }

    fn peek<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let look =
                format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(&plan.id);
            look.fetch_optional(self.connection()?).await.map_err(|error| failed("look", error))
        })
    }

    fn mark(&mut self) -> StoreFuture<'_, ()> {
        Box::pin(self.run(MARK))
    }

    fn undo(&mut self) -> StoreFuture<'_, ()> {
        Box::pin(self.run(UNDO))
    }

    fn commit(mut self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let transaction = self.0.take().ok_or_else(kept)?;
            transaction.commit().await.map_err(|error| failed("commit", error))
        })
    }

    fn rollback(mut self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            let transaction = self.0.take().ok_or_else(kept)?;
            transaction.rollback().await.map_err(|error| failed("rollback", error))
        })
    }

    fn lend(&mut self) -> Option<Box<dyn Any>> {
        Some(Box::new(self.0.take()?))
    }

    fn take_back(&mut self, lent: Box<dyn Any>) {
        self.0 = lent.downcast().ok().map(|transaction| *transaction);
    }
}

fn bound(
    query: Query<'_, Sqlite, SqliteArguments>,
    value: Stored,
) -> Query<'_, Sqlite, SqliteArguments> {
    match value {
        Stored::Integer(number) => query.bind(number),
        Stored::Text(text) => query.bind(text),
    }
}

/// A handler put the transaction away where it outlives the request.
fn kept() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "transaction")
        .because("the handler did not give its `Tx` back: it must not outlive the handler")
}

/// The host's wall clock in milliseconds, as `SqliteStore` counts.
fn now() -> i64 {
    stored(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
