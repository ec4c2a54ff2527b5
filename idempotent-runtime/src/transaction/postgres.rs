//! `PostgreSQL`: rows are locked one by one, and after a failed statement a transaction can only be rolled back.

use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::sql::TablePage;
use crate::store::sql::postgres::rows::{SCHEMA, create_table, look, purge, put, read};
use crate::store::sql::postgres::text::{create_over_text, create_text};
use crate::store::{Entry, Page, StoreFuture, Swap};
use crate::transaction::active_tx::{ActiveTx, ROLL_BACK_TO_SAVEPOINT};
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, TxEnd};
use crate::transaction::plan::{Access, RowPlan, TxSettings};
use crate::transaction::pooled::Pooled;
use crate::transaction::postgres_row::{RowSql, bind_row, bind_value, table};
use crate::transaction::steps::{AfterClaim, RecordExchange, Steps};
use bytes::Bytes;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};
use std::sync::Arc;
use std::time::Duration;

/// The time for which a transaction may be idle between two statements, unless the pool says otherwise.
const REST: Duration = Duration::from_mins(1);

/// The interval at which the server checks, during a statement, whether its client is gone, unless the pool
/// says otherwise.
const LOOK: Duration = Duration::from_secs(1);

const SETTINGS: &str = "\
SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')";

/// Tries to set `client_connection_check_interval` for one statement: some servers answer with an error.
const CAN_LOOK: &str = "\
SELECT current_setting('client_connection_check_interval') = '0'
   AND set_config('client_connection_check_interval', '1s', true) = '1s'";

impl sealed::SealedDatabase for PgPool {}

impl Database for PgPool {
    fn into_business_database(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<PostgresDialect>::new(self)
    }
}

#[derive(Debug)]
struct PostgresDialect {
    /// Sets the lock timeout of the pool's connections again, after the guards.
    relax: String,
    /// Limits for a transaction whose process is suspended or dead, if they are not set already.
    alone: String,
    rows: RowSql,
}

impl Dialect for PostgresDialect {
    type Sqlx = Postgres;

    const SCHEMA: &'static str = SCHEMA;

    const BEGINS_LATE: bool = true;

    fn describe(pool: &PgPool) -> String {
        let options = pool.connect_options();
        let database = options.get_database().unwrap_or(options.get_username());
        format!("PostgreSQL database {database}")
    }

    fn learn(connection: &mut PgConnection) -> DialectFuture<'_, Self> {
        Box::pin(async move {
            let settings = sqlx::query_as(SETTINGS).fetch_one(&mut *connection).await?;
            let (lock_timeout, rest): (String, String) = settings;
            let mut alone = String::new();
            let mut limit = |name: &str, time: Duration| {
                let time = time.as_millis().to_string();
                alone.push_str(&["; SET LOCAL ", name, " = ", &time].concat());
            };
            if rest == "0" {
                limit("idle_in_transaction_session_timeout", REST);
            }
            match sqlx::query_scalar(CAN_LOOK).fetch_one(connection).await {
                Ok(true) => limit("client_connection_check_interval", LOOK),
                Ok(false) | Err(sqlx::Error::Database(_)) => {}
                Err(error) => return Err(error),
            }
            let relax = format!("SET LOCAL lock_timeout = '{lock_timeout}'");
            Ok(Self { relax, alone, rows: RowSql::default() })
        })
    }

    fn create_table(connection: &mut PgConnection) -> DialectFuture<'_, ()> {
        Box::pin(create_table(connection))
    }

    fn read<'c>(
        connection: &'c mut PgConnection,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>> {
        Box::pin(read(connection, key))
    }

    fn page(connection: &mut PgConnection, page: TablePage) -> DialectFuture<'_, Page> {
        Box::pin(page.of(connection))
    }

    fn purge(connection: &mut PgConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin_sql(&self, _: Access, wait: Duration) -> String {
        // 0 would mean no limit.
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1);
        format!("BEGIN; SET LOCAL lock_timeout = {wait}{}", self.alone)
    }

    fn relax_sql(&self) -> &str {
        &self.relax
    }

    fn end_sql(&self, _: TxEnd) -> Option<String> {
        // Local settings end with the transaction.
        None
    }

    fn execute(connection: &mut PgConnection, statements: String) -> DialectFuture<'_, ()> {
        let all = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { all.execute(connection).await.map(drop) })
    }
}

impl Steps for ActiveTx<PostgresDialect> {
    fn put_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        record: &'a [u8],
        life: Duration,
        next: AfterClaim,
    ) -> StoreFuture<'a, Option<Bytes>> {
        let after = self.after_claim(next);
        let mut claim = create_text(key, record, life) + &after;
        StoreFuture::new(async move {
            loop {
                self.batch("claim", claim, |_| false).await?;
                // A text that begins a transaction gives no answer, so the record is read by a statement of its own.
                let there = self.step("claim", |_, connection| look(connection, key)).await?;
                match there {
                    Some((there, _)) if there == record => {
                        self.reached(next);
                        return Ok(None);
                    }
                    Some((there, true)) => {
                        // This transaction only read, so no other waits for its end.
                        self.holds_nothing();
                        return Ok(Some(there.into()));
                    }
                    // The life of the record that was there is over. What came after the claim is undone: this claim,
                    // too, waits no longer than a guard may.
                    Some((_, false)) | None => {
                        let over = create_over_text(key, record, life);
                        claim = format!("{ROLL_BACK_TO_SAVEPOINT}; {over}{after}");
                    }
                }
            }
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
        self.step("set", move |_, connection| async move {
            for (name, value) in settings {
                let set = sqlx::query("SELECT set_config($1, $2, true)").bind(name).bind(value);
                set.execute(&mut *connection).await?;
            }
            Ok(())
        })
    }

    fn find_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("look", move |dialect, connection| async move {
            let look = format!("SELECT 1 {}", dialect.rows.place(connection, plan).await?);
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), plan);
            let found = look.fetch_optional(&mut *connection).await;
            Ok(dialect.rows.if_id_fits(connection, plan, found).await?.flatten().is_some())
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("lock", move |dialect, connection| async move {
            let lock =
                format!("SELECT 1 {} FOR UPDATE", dialect.rows.place(connection, plan).await?);
            let lock = bind_row(sqlx::query(AssertSqlSafe(lock)), plan);
            let locked = lock.fetch_optional(&mut *connection).await;
            Ok(dialect.rows.if_id_fits(connection, plan, locked).await?.flatten().is_some())
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
            let condition = dialect.rows.condition(connection, plan).await?;
            let held = dialect.rows.column_type(connection, plan.row.table, column).await?;
            // This value comes after those of the condition.
            let first = 2 + usize::from(plan.owner.is_some());
            let value = |place: usize| format!("CAST(${} AS {held})", first + place);
            let any: Vec<_> = (1..=expected.len()).map(value).collect();
            let update = format!(
                "UPDATE {} SET \"{column}\" = {} WHERE {condition} AND \"{column}\" IN ({})",
                table(plan),
                value(0),
                any.join(", "),
            );
            let update = bind_value(bind_row(sqlx::query(AssertSqlSafe(update)), plan), next);
            let update = expected.iter().copied().fold(update, bind_value);
            let updated = update.execute(&mut *connection).await;
            let updated = dialect.rows.if_id_fits(connection, plan, updated).await?;
            Ok(updated.is_some_and(|updated| updated.rows_affected() == 1))
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |dialect, connection| async move {
            let place = dialect.rows.place(connection, plan).await?;
            let look = format!("SELECT CAST(\"{column}\" AS text) {place}");
            let look = bind_row(sqlx::query(AssertSqlSafe(look)), plan);
            let seen = look.fetch_optional(&mut *connection).await;
            let row = dialect.rows.if_id_fits(connection, plan, seen).await?.flatten();
            row.map(|row| sqlx::Row::try_get(&row, 0)).transpose()
        })
    }
}
