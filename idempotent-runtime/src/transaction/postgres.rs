//! `PostgreSQL`: rows are locked one by one, and after a failed statement a transaction can do no more.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::sql::postgres::rows::{create_table, purge, put, read};
use crate::store::{Entry, StoreFuture, Swap};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, TxEnd};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use crate::transaction::steps::Steps;
use bytes::Bytes;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a transaction may rest between two statements, where the pool does not say otherwise.
const REST: Duration = Duration::from_mins(1);

/// The time in which the server sees that the process behind a statement is gone, where the pool does not
/// say otherwise.
const LOOK: Duration = Duration::from_secs(1);

const SETTINGS: &str = "\
SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')";

/// Sets it for this statement alone, if it is not set: some servers cannot, and answer with an error.
const CAN_LOOK: &str = "\
SELECT current_setting('client_connection_check_interval') = '0'
   AND set_config('client_connection_check_interval', '1s', true) = '1s'";

/// The type to which a value is cast for a column. Without its length, for a cast cuts off a value that
/// is too long; and `bigint` for the smaller integers, so that no value is out of range.
const TYPE: &str = "\
SELECT CASE WHEN atttypid IN ('int2'::regtype, 'int4'::regtype) THEN 'bigint'
            ELSE format_type(atttypid, -1) END
FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident($1)) AND attname = $2 AND attnum > 0 AND NOT attisdropped";

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
    /// Limits for a transaction whose process is stopped or gone, where they are not set already.
    alone: String,
    /// The types of columns, by table and column.
    types: Mutex<HashMap<(&'static str, &'static str), Arc<str>>>,
}

impl PostgresDialect {
    /// Looks up the type of a row's column, once.
    async fn column_type(
        &self,
        connection: &mut PgConnection,
        table: &'static str,
        column: &'static str,
    ) -> Result<Arc<str>, sqlx::Error> {
        let types = || self.types.lock().unwrap_or_else(PoisonError::into_inner);
        let known = types().get(&(table, column)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let look = sqlx::query_scalar(TYPE).bind(table).bind(column);
        let found: Option<String> = look.fetch_optional(connection).await?;
        let missing = || sqlx::Error::ColumnNotFound(format!("{table}.{column}"));
        let found: Arc<str> = found.ok_or_else(missing)?.into();
        types().insert((table, column), Arc::clone(&found));
        Ok(found)
    }

    /// Passes on the answer to a row's statement; nothing, if the row's id does not fit the id's type.
    async fn if_id_fits<T>(
        &self,
        connection: &mut PgConnection,
        plan: &RowPlan,
        answer: Result<T, sqlx::Error>,
    ) -> Result<Option<T>, sqlx::Error> {
        let error = match answer {
            Err(error) if is_misfit(&error) => error,
            answer => return answer.map(Some),
        };
        // Which did not fit, the id or the column's value? The transaction has failed in both cases.
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
        let id = self.column_type(connection, plan.row.table, plan.row.id).await?;
        let cast = format!("SELECT CAST($1::text AS {id}) IS NULL");
        let cast = sqlx::query(AssertSqlSafe(cast)).bind(&plan.id).execute(&mut *connection).await;
        sqlx::raw_sql("BEGIN").execute(connection).await?;
        match cast {
            Err(misfit) if is_misfit(&misfit) => Ok(None),
            Err(other) => Err(other),
            Ok(_) => Err(error),
        }
    }
}

impl Dialect for PostgresDialect {
    type Sqlx = Postgres;

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
            Ok(Self { relax, alone, types: Mutex::default() })
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

    fn purge(connection: &mut PgConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin_sql(&self, wait: Duration) -> String {
        // 0 would be for ever.
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
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step("claim", move |_, connection| async move {
            loop {
                match put(connection, key, record, life, None).await? {
                    Some(Swap::Done) => return Ok(None),
                    Some(Swap::Differs(Some(there))) => return Ok(Some(there)),
                    // Others committed meanwhile; the next statement sees it.
                    Some(Swap::Differs(None)) | None => {}
                }
            }
        })
    }

    fn replace_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        claimed: &'a [u8],
        record: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, bool> {
        self.step("complete", move |_, connection| async move {
            let put = put(connection, key, record, life, Some(claimed)).await?;
            Ok(put == Some(Swap::Done))
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        self.step("lock", move |dialect, connection| async move {
            let Row { table, id, .. } = plan.row;
            let kind = dialect.column_type(connection, table, id).await?;
            let lock = format!(
                "SELECT 1 FROM \"{table}\" WHERE \"{id}\" = CAST($1::text AS {kind}) FOR UPDATE"
            );
            let lock = sqlx::query(AssertSqlSafe(lock)).bind(&plan.id);
            let locked = lock.fetch_optional(&mut *connection).await;
            let locked = dialect.if_id_fits(connection, plan, locked).await?;
            Ok(locked.flatten().is_some())
        })
    }

    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> StoreFuture<'a, bool> {
        self.step("exchange", move |dialect, connection| async move {
            let Row { table, id, .. } = plan.row;
            let kind = dialect.column_type(connection, table, id).await?;
            let held = dialect.column_type(connection, table, column).await?;
            let update = format!(
                "UPDATE \"{table}\" SET \"{column}\" = CAST($2 AS {held}) \
                 WHERE \"{id}\" = CAST($1::text AS {kind}) AND \"{column}\" = CAST($3 AS {held})"
            );
            let update = sqlx::query(AssertSqlSafe(update)).bind(&plan.id);
            let updated =
                bind_value(bind_value(update, next), expected).execute(&mut *connection).await;
            let updated = dialect.if_id_fits(connection, plan, updated).await?;
            Ok(updated.is_some_and(|updated| updated.rows_affected() == 1))
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |dialect, connection| async move {
            let Row { table, id, .. } = plan.row;
            let kind = dialect.column_type(connection, table, id).await?;
            let look = format!(
                "SELECT CAST(\"{column}\" AS text) FROM \"{table}\" \
                 WHERE \"{id}\" = CAST($1::text AS {kind})"
            );
            let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(&plan.id);
            let seen = look.fetch_optional(&mut *connection).await;
            Ok(dialect.if_id_fits(connection, plan, seen).await?.flatten())
        })
    }
}

fn bind_value(
    query: Query<'_, Postgres, PgArguments>,
    value: ColumnValue,
) -> Query<'_, Postgres, PgArguments> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}

/// Whether a value did not fit its type, or the condition of its domain.
fn is_misfit(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return false };
    refusal.code().is_some_and(|code| code.starts_with("22") || code == "23514")
}
