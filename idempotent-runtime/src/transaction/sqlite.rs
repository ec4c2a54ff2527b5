//! `SQLite`: one writer at a time, so a transaction that writes excludes all others from its start.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::sql::sqlite::rows::{SCHEMA, look, purge, put, stored};
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, End, Step};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use bytes::Bytes;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl sealed::Sealed for SqlitePool {}

impl Database for SqlitePool {
    fn guarded(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<File>::new(self)
    }
}

#[derive(Debug)]
struct File;

impl Dialect for File {
    type Sqlx = Sqlite;

    fn describe(pool: &SqlitePool) -> String {
        format!("SQLite file {}", pool.connect_options().get_filename().display())
    }

    fn learn(_: &mut SqliteConnection) -> Step<'_, Self> {
        Box::pin(ready(Ok(Self)))
    }

    fn make_table(_: &mut SqliteConnection) -> Step<'_, ()> {
        // The claim does.
        Box::pin(ready(Ok(())))
    }

    fn purge(connection: &mut SqliteConnection, limit: u32) -> Step<'_, ()> {
        Box::pin(async move { purge(connection, limit, now()).await.map(drop) })
    }

    fn begin(&self, _: Duration) -> String {
        // A deferred transaction that reads and then writes fails at once when another writes.
        "BEGIN IMMEDIATE".to_owned()
    }

    fn relax(&self) -> &'static str {
        ""
    }

    fn end(&self, _: End) -> Option<String> {
        None
    }

    fn run(connection: &mut SqliteConnection, statements: String) -> Step<'_, ()> {
        let ran = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { ran.execute(connection).await.map(drop) })
    }

    fn claim<'c>(
        connection: &'c mut SqliteConnection,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, Option<Bytes>> {
        Box::pin(async move {
            // Cheap beside a commit, and nothing to forget when a database is made anew.
            sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
            let now = now();
            let ends = now.saturating_add(stored(life));
            if put(connection, key, value, ends, now, None).await? {
                return Ok(None);
            }
            Ok(look(connection, key, now).await?.map(|entry| entry.value))
        })
    }

    fn complete<'c>(
        connection: &'c mut SqliteConnection,
        key: &'c StorageKey,
        claimed: &'c [u8],
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, bool> {
        let now = now();
        let ends = now.saturating_add(stored(life));
        Box::pin(put(connection, key, value, ends, now, Some(claimed)))
    }

    fn lock_row<'c>(
        &'c self,
        connection: &'c mut SqliteConnection,
        plan: &'c RowPlan,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            // The whole database is ours already.
            let Row { table, id, .. } = plan.row;
            let look = format!("SELECT 1 FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query(AssertSqlSafe(look)).bind(&plan.id);
            Ok(look.fetch_optional(connection).await?.is_some())
        })
    }

    fn exchange<'c>(
        &'c self,
        connection: &'c mut SqliteConnection,
        plan: &'c RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let update = format!(
                "UPDATE \"{table}\" SET \"{column}\" = ? WHERE \"{id}\" = ? AND \"{column}\" = ?"
            );
            let update = bound(sqlx::query(AssertSqlSafe(update)), next).bind(&plan.id);
            let updated = bound(update, expected).execute(connection).await?;
            Ok(updated.rows_affected() == 1)
        })
    }

    fn peek<'c>(
        &'c self,
        connection: &'c mut SqliteConnection,
        plan: &'c RowPlan,
        column: &'static str,
    ) -> Step<'c, Option<String>> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let look =
                format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\" WHERE \"{id}\" = ?");
            let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(&plan.id);
            look.fetch_optional(connection).await
        })
    }
}

fn bound(
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
    stored(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
