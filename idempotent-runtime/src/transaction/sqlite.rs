//! `SQLite`: one writer at a time, so a transaction that writes excludes all others from its start.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::sql::TablePage;
use crate::store::sql::sqlite::rows::{
    SCHEMA, TableAt, column_millis, is_table_missing, purge, put, read,
};
use crate::store::{Entry, Page, StoreFuture};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, TxEnd, quoted};
use crate::transaction::plan::{Access, RowPlan, TxSettings};
use crate::transaction::pooled::Pooled;
use crate::transaction::steps::{AfterClaim, RecordExchange, Steps};
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

    const SCHEMA: &'static str = SCHEMA;

    const ONE_AT_A_TIME: bool = true;

    const HAS_SETTINGS: bool = false;

    fn describe(pool: &SqlitePool) -> String {
        format!("SQLite file {}", pool.connect_options().get_filename().display())
    }

    fn learn(_: &mut SqliteConnection) -> DialectFuture<'_, Self> {
        Box::pin(ready(Ok(Self)))
    }

    fn create_table(_: &mut SqliteConnection) -> DialectFuture<'_, ()> {
        // The claim creates the table if it is missing.
        Box::pin(ready(Ok(())))
    }

    fn read<'c>(
        connection: &'c mut SqliteConnection,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>> {
        Box::pin(async move {
            match read(connection, key, now()).await {
                Err(error) if is_table_missing(&error) => Ok(None),
                read => read,
            }
        })
    }

    fn page(connection: &mut SqliteConnection, page: TablePage) -> DialectFuture<'_, Page> {
        Box::pin(async move {
            sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
            page.of(&mut TableAt { connection, now: now() }).await
        })
    }

    fn purge(connection: &mut SqliteConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit, now()).await.map(drop) })
    }

    fn begin_sql(&self, access: Access, _: Duration) -> String {
        let begin = match access {
            Access::Read => "BEGIN",
            // A deferred transaction that reads and then writes fails at once when another writes.
            Access::Write => "BEGIN IMMEDIATE",
        };
        begin.to_owned()
    }

    fn watch(connection: &mut SqliteConnection, watch: Arc<TxWatch>) -> DialectFuture<'_, ()> {
        Box::pin(async move {
            // After `RAISE(ROLLBACK)`, `OR ROLLBACK` or a full disk, every statement would commit by itself.
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
        _: AfterClaim,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step("claim", move |_, connection| async move {
            match claim(connection, key, record, life).await {
                Err(error) if is_table_missing(&error) => {
                    // The table was not created yet, or the database is a new one.
                    sqlx::raw_sql(SCHEMA).execute(&mut *connection).await?;
                    claim(connection, key, record, life).await
                }
                claimed => claimed,
            }
        })
    }

    fn replace_record<'a>(&'a mut self, exchange: RecordExchange<'a>) -> StoreFuture<'a, bool> {
        let RecordExchange { key, claimed, next, life } = exchange;
        let now = now();
        let ends = now.saturating_add(column_millis(life));
        self.step("complete", move |_, connection| {
            put(connection, key, next, ends, now, Some(claimed))
        })
    }

    fn set<'a>(&'a mut self, settings: &'a TxSettings) -> StoreFuture<'a, ()> {
        StoreFuture::ready(if settings.is_empty() {
            Ok(())
        } else {
            let why = "SQLite transactions have no settings, but `on_begin` names some";
            Err(StoreError::new(StoreErrorKind::Rejected, "set").because(why))
        })
    }

    fn find_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("look", move |_, connection| async move {
            let look = format!("SELECT 1 {}", place(plan));
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), plan);
            Ok(look.fetch_optional(connection).await?.is_some())
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        // The transaction has locked the whole database, so the row needs no lock.
        self.find_row(plan)
    }

    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: &'a [ColumnValue],
        next: ColumnValue,
    ) -> StoreFuture<'a, bool> {
        self.step("exchange", move |_, connection| async move {
            let (table, condition) = (table(plan), condition(plan));
            let any = vec!["?"; expected.len()].join(", ");
            let update = format!(
                "UPDATE {table} SET [{column}] = ? WHERE {condition} AND [{column}] IN ({any})"
            );
            let update = bind_value(sqlx::query(AssertSqlSafe(update)), next);
            let update = expected.iter().copied().fold(bind_row(update, plan), bind_value);
            Ok(update.execute(connection).await?.rows_affected() == 1)
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |_, connection| async move {
            let look = format!("SELECT CAST([{column}] AS TEXT) {}", place(plan));
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), plan);
            let Some(row) = look.fetch_optional(connection).await? else { return Ok(None) };
            // If NULL were read as text, it would be an empty text.
            let seen: Option<String> = sqlx::Row::try_get(&row, 0)?;
            let null = || sqlx::Error::Decode(Box::new(UnexpectedNullError));
            seen.map(Some).ok_or_else(null)
        })
    }
}

/// Puts a record if no living one is there, or returns the one that is.
async fn claim(
    connection: &mut SqliteConnection,
    key: &StorageKey,
    record: &[u8],
    life: Duration,
) -> Result<Option<Bytes>, sqlx::Error> {
    let now = now();
    let ends = now.saturating_add(column_millis(life));
    if put(connection, key, record, ends, now, None).await? {
        return Ok(None);
    }
    Ok(read(connection, key, now).await?.map(|entry| entry.value))
}

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;

/// The name in brackets. In quotes, `SQLite` would take the name of a missing column for a text.
fn table(plan: &RowPlan) -> String {
    quoted(plan.row.table, ['[', ']'])
}

/// The condition that finds a row; [`bind_row`] binds its values.
fn condition(plan: &RowPlan) -> String {
    let id = format!("[{}] = ?", plan.row.id);
    match &plan.owner {
        Some(owner) => format!("{id} AND CAST([{}] AS TEXT) COLLATE BINARY = ?", owner.column),
        None => id,
    }
}

fn place(plan: &RowPlan) -> String {
    format!("FROM {} WHERE {}", table(plan), condition(plan))
}

fn bind_row<'q>(query: SqliteQuery<'q>, plan: &'q RowPlan) -> SqliteQuery<'q> {
    let query = query.bind(&plan.id);
    match &plan.owner {
        Some(owner) => query.bind(&owner.value),
        None => query,
    }
}

fn bind_value(query: SqliteQuery<'_>, value: ColumnValue) -> SqliteQuery<'_> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}

/// The host's wall clock in milliseconds since 1970, as in `SqliteStore`.
fn now() -> i64 {
    column_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
