//! `SQLite`: one writer at a time, so a transaction that writes excludes all others from its start.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::sql::sqlite::rows::{SCHEMA, column_millis, purge, put, read};
use crate::store::{Entry, StoreFuture};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, TxEnd};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use crate::transaction::steps::Steps;
use crate::transaction::tx_watch::TxWatch;
use bytes::Bytes;
use sqlx::error::UnexpectedNullError;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl sealed::SealedDatabase for SqlitePool {}

impl Database for SqlitePool {
    fn into_business_database(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<SqliteDialect>::new(self)
    }
}

#[derive(Debug)]
struct SqliteDialect;

impl Dialect for SqliteDialect {
    type Sqlx = Sqlite;

    const ONE_AT_A_TIME: bool = true;

    fn describe(pool: &SqlitePool) -> String {
        format!("SQLite file {}", pool.connect_options().get_filename().display())
    }

    fn learn(_: &mut SqliteConnection) -> DialectFuture<'_, Self> {
        Box::pin(ready(Ok(Self)))
    }

    fn create_table(_: &mut SqliteConnection) -> DialectFuture<'_, ()> {
        // The claim does.
        Box::pin(ready(Ok(())))
    }

    fn read<'c>(
        connection: &'c mut SqliteConnection,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>> {
        Box::pin(async move {
            sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
            read(connection, key, now()).await
        })
    }

    fn purge(connection: &mut SqliteConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit, now()).await.map(drop) })
    }

    fn begin_sql(&self, _: Duration) -> String {
        // A deferred transaction that reads and then writes fails at once when another writes.
        "BEGIN IMMEDIATE".to_owned()
    }

    fn watch(connection: &mut SqliteConnection, watch: Arc<TxWatch>) -> DialectFuture<'_, ()> {
        Box::pin(async move {
            // `RAISE(ROLLBACK)`, `OR ROLLBACK`, a full disk: afterwards every statement would commit alone.
            let mut handle = connection.lock_handle().await?;
            let asked = Arc::clone(&watch);
            handle.set_commit_hook(move || asked.may_commit());
            handle.set_rollback_hook(move || watch.rolled_back());
            Ok(())
        })
    }

    fn unwatch(connection: &mut SqliteConnection) -> DialectFuture<'_, ()> {
        Box::pin(async move {
            let mut handle = connection.lock_handle().await?;
            handle.remove_commit_hook();
            handle.remove_rollback_hook();
            Ok(())
        })
    }

    fn relax_sql(&self) -> &'static str {
        ""
    }

    fn end_sql(&self, _: TxEnd) -> Option<String> {
        None
    }

    fn execute(connection: &mut SqliteConnection, statements: String) -> DialectFuture<'_, ()> {
        let all = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { all.execute(connection).await.map(drop) })
    }
}

impl Steps for ActiveTx<SqliteDialect> {
    fn put_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        record: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step("claim", move |_, connection| async move {
            // Cheap beside a commit, and nothing to forget when a database is made anew.
            sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
            let now = now();
            let ends = now.saturating_add(column_millis(life));
            if put(connection, key, record, ends, now, None).await? {
                return Ok(None);
            }
            Ok(read(connection, key, now).await?.map(|entry| entry.value))
        })
    }

    fn replace_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        claimed: &'a [u8],
        record: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, bool> {
        let now = now();
        let ends = now.saturating_add(column_millis(life));
        self.step("complete", move |_, connection| {
            put(connection, key, record, ends, now, Some(claimed))
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("lock", move |_, connection| async move {
            // The transaction has locked the whole database.
            let Row { table, id, .. } = plan.row;
            let look = format!("SELECT 1 FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query(AssertSqlSafe(look)).bind(&plan.id);
            Ok(look.fetch_optional(connection).await?.is_some())
        })
    }

    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> StoreFuture<'a, bool> {
        self.step("exchange", move |_, connection| async move {
            let Row { table, id, .. } = plan.row;
            let update = format!(
                "UPDATE \"{table}\" SET \"{column}\" = ? WHERE \"{id}\" = ? AND \"{column}\" = ?"
            );
            let update = bind_value(sqlx::query(AssertSqlSafe(update)), next).bind(&plan.id);
            let updated = bind_value(update, expected).execute(connection).await?;
            Ok(updated.rows_affected() == 1)
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |_, connection| async move {
            let Row { table, id, .. } = plan.row;
            let look =
                format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(&plan.id);
            let seen: Option<Option<String>> = look.fetch_optional(connection).await?;
            // Read as a text alone, NULL would be an empty one.
            let null = || sqlx::Error::Decode(Box::new(UnexpectedNullError));
            seen.map(|seen| seen.ok_or_else(null)).transpose()
        })
    }
}

fn bind_value(
    query: Query<'_, Sqlite, SqliteArguments>,
    value: ColumnValue,
) -> Query<'_, Sqlite, SqliteArguments> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}

/// The host's wall clock in milliseconds, as `SqliteStore` counts.
fn now() -> i64 {
    column_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
