//! `MariaDB` and `MySQL`: rows are locked one by one, and if two transactions wait for each other, one of
//! them is rolled back as a whole.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::sql::TablePage;
use crate::store::sql::mysql::rows::{SCHEMA, create_table, purge, put, read, replace_and_end};
use crate::store::sql::mysql::text::{create_text, is_refused, read_text};
use crate::store::{Entry, Page, StoreFuture, Swap};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, RELEASE_SAVEPOINT, TxEnd};
use crate::transaction::mysql_row::{IdTypes, bind_row, bind_value, condition, place, table};
use crate::transaction::plan::{Access, RowPlan, TxSettings};
use crate::transaction::pooled::Pooled;
use crate::transaction::steps::{AfterClaim, RecordExchange, Steps};
use bytes::Bytes;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, MySqlPool};
use std::sync::Arc;
use std::time::Duration;

const IS_MARIADB: &str = "SELECT VERSION() LIKE '%MariaDB%'";

/// Sets the lock timeout of this session again, after the guards.
const RELAX: &str = "SET SESSION innodb_lock_wait_timeout = @idempotent_wait";

/// Sets the lock timeout and all other settings of this session again, after the transaction.
const LEAVE: &str = "\
SET SESSION innodb_lock_wait_timeout = @idempotent_wait, SESSION autocommit = @idempotent_autocommit";

impl sealed::SealedDatabase for MySqlPool {}

impl Database for MySqlPool {
    fn into_business_database(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<MySqlDialect>::new(self)
    }
}

#[derive(Debug)]
struct MySqlDialect {
    /// Whether the server takes several statements as one (`BEGIN NOT ATOMIC`).
    is_mariadb: bool,
    id_types: IdTypes,
}

impl Dialect for MySqlDialect {
    type Sqlx = MySql;

    const SCHEMA: &'static str = SCHEMA;

    const BEGINS_LATE: bool = true;

    fn describe(pool: &MySqlPool) -> String {
        let options = pool.connect_options();
        format!("MySQL database {}", options.get_database().unwrap_or_default())
    }

    fn learn(connection: &mut MySqlConnection) -> DialectFuture<'_, Self> {
        Box::pin(async move {
            let is_mariadb = sqlx::query_scalar(IS_MARIADB).fetch_one(connection).await?;
            Ok(Self { is_mariadb, id_types: IdTypes::default() })
        })
    }

    fn create_table(connection: &mut MySqlConnection) -> DialectFuture<'_, ()> {
        Box::pin(create_table(connection))
    }

    fn read<'c>(
        connection: &'c mut MySqlConnection,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>> {
        Box::pin(read(connection, key))
    }

    fn page(connection: &mut MySqlConnection, page: TablePage) -> DialectFuture<'_, Page> {
        Box::pin(page.of(connection))
    }

    fn purge(connection: &mut MySqlConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin_sql(&self, _: Access, wait: Duration) -> String {
        // The timeout is in whole seconds, rounded up. `begin` answers the client in time nevertheless.
        let wait = wait.as_millis().div_ceil(1000).clamp(1, 1 << 30);
        // After a deadlock that a handler ignores, and after DDL, which commits, its next statements would each
        // commit. Without `autocommit` they are a transaction that is never committed. An app may give each
        // session other settings, so the session's own are kept, and set again at the end.
        format!(
            "SET @idempotent_wait = @@SESSION.innodb_lock_wait_timeout, \
             @idempotent_autocommit = @@SESSION.autocommit, \
             SESSION innodb_lock_wait_timeout = {wait}, SESSION autocommit = 0; \
             START TRANSACTION"
        )
    }

    fn relax_sql(&self) -> &str {
        RELAX
    }

    fn end_sql(&self, end: TxEnd) -> Option<String> {
        let end = match end {
            TxEnd::Commit => &format!("{RELEASE_SAVEPOINT}; COMMIT"),
            TxEnd::Rollback => "ROLLBACK",
        };
        // `NO CHAIN NO RELEASE` holds for every `completion_type` of the server.
        Some(format!("{end} AND NO CHAIN NO RELEASE; {LEAVE}"))
    }

    fn replace_and_end<'c>(
        &self,
        connection: &'c mut MySqlConnection,
        RecordExchange { key, claimed, next, life }: RecordExchange<'c>,
        end: String,
    ) -> Option<DialectFuture<'c, bool>> {
        let replace =
            async move { replace_and_end(connection, key, next, life, claimed, &end).await };
        self.is_mariadb.then(|| Box::pin(replace) as _)
    }

    fn execute(connection: &mut MySqlConnection, statements: String) -> DialectFuture<'_, ()> {
        let all = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { all.execute(connection).await.map(drop) })
    }
}

impl Steps for ActiveTx<MySqlDialect> {
    fn put_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        record: &'a [u8],
        life: Duration,
        next: AfterClaim,
    ) -> StoreFuture<'a, Option<Bytes>> {
        let claim = create_text(key, record, life) + &self.after_claim(next);
        StoreFuture::new(async move {
            if self.batch("claim", claim, is_refused).await? {
                self.reached(next);
                return Ok(None);
            }
            // At every isolation level this sees a record that is there, because nothing was read before.
            let look = [read_text(key), self.end_text(TxEnd::Rollback).unwrap_or_default()];
            let look = sqlx::raw_sql(AssertSqlSafe(look.join("; ")));
            let there = self.step("claim", |_, connection| async move {
                let rows = look.fetch_all(connection).await?;
                rows.first().map(|row| sqlx::Row::try_get::<Vec<u8>, _>(row, 0)).transpose()
            });
            let there = there.await?.map(Bytes::from);
            self.holds_nothing();
            // Otherwise the record's life ended between the two statements, and the next try puts the new record.
            there.map(Some).ok_or_else(|| StoreError::new(StoreErrorKind::Busy, "claim"))
        })
    }

    fn replace_record<'a>(&'a mut self, exchange: RecordExchange<'a>) -> StoreFuture<'a, bool> {
        let RecordExchange { key, claimed, next, life } = exchange;
        self.step("complete", move |_, connection| async move {
            let put = put(connection, key, next, life, Some(claimed)).await?;
            Ok(put == Some(Swap::Done))
        })
    }

    fn set<'a>(&'a mut self, settings: &'a TxSettings) -> StoreFuture<'a, ()> {
        if settings.is_empty() {
            return StoreFuture::ready(Ok(()));
        }
        // A variable belongs to the session, and stays after the transaction.
        let mut unset = String::new();
        for (name, _) in settings {
            unset.extend(["; SET ", &variable(name), " = NULL"]);
        }
        self.leave_with(unset);
        self.step("set", move |_, connection| async move {
            for (name, value) in settings {
                let set = format!("SET {} = ?", variable(name));
                sqlx::query(AssertSqlSafe(set)).bind(value).execute(&mut *connection).await?;
            }
            Ok(())
        })
    }

    fn find_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("look", move |dialect, connection| async move {
            let Some(id) = dialect.id_types.id(connection, plan).await? else { return Ok(false) };
            let look = format!("SELECT 1 {}", place(plan));
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), id, plan);
            Ok(look.fetch_optional(connection).await?.is_some())
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("lock", move |dialect, connection| async move {
            let Some(id) = dialect.id_types.id(connection, plan).await? else { return Ok(false) };
            let lock = format!("SELECT 1 {} FOR UPDATE", place(plan));
            let lock = bind_row(sqlx::query(AssertSqlSafe(lock)), id, plan);
            Ok(lock.fetch_optional(connection).await?.is_some())
        })
    }

    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: &'a [ColumnValue],
        next: ColumnValue,
    ) -> StoreFuture<'a, bool> {
        self.step("exchange", move |dialect, connection| async move {
            let Some(id) = dialect.id_types.id(connection, plan).await? else { return Ok(false) };
            let (table, condition) = (table(plan), condition(plan));
            let any = vec!["?"; expected.len()].join(", ");
            let update = format!(
                "UPDATE {table} SET `{column}` = ? WHERE {condition} AND `{column}` IN ({any})"
            );
            let update = bind_value(sqlx::query(AssertSqlSafe(update)), next);
            let update = expected.iter().copied().fold(bind_row(update, id, plan), bind_value);
            // sqlx asks the server to count the rows that were found, not those that were changed.
            Ok(update.execute(connection).await?.rows_affected() == 1)
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |dialect, connection| async move {
            let Some(id) = dialect.id_types.id(connection, plan).await? else { return Ok(None) };
            let look = format!("SELECT CAST(`{column}` AS CHAR) {}", place(plan));
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), id, plan);
            let row = look.fetch_optional(connection).await?;
            row.map(|row| sqlx::Row::try_get(&row, 0)).transpose()
        })
    }
}

/// A variable of the session.
fn variable(name: &str) -> String {
    format!("@`{}`", name.replace('`', "``"))
}
