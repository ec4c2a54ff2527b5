//! `PostgreSQL`: rows are locked one by one, and a failed statement spoils its transaction.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::Swap;
use crate::store::sql::postgres::rows::{make, purge, put};
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, End, Step};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use bytes::Bytes;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a transaction may rest between two statements, where the pool does not say otherwise.
const REST: Duration = Duration::from_mins(1);

/// How soon the server sees that the process is gone whose statement it carries out, where the pool does
/// not say otherwise.
const LOOK: Duration = Duration::from_secs(1);

const SETTINGS: &str = "\
SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')";

/// Sets it for this statement alone, if nobody has set it: not every server can, and those say so.
const CAN_LOOK: &str = "\
SELECT current_setting('client_connection_check_interval') = '0'
   AND set_config('client_connection_check_interval', '1s', true) = '1s'";

/// The type of a column as a value is cast to it. Without its length, for casts cut off what is too
/// long, and the smaller integers as the largest, so that none is out of range.
const TYPE: &str = "\
SELECT CASE WHEN atttypid IN ('int2'::regtype, 'int4'::regtype) THEN 'bigint'
            ELSE format_type(atttypid, -1) END
FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident($1)) AND attname = $2 AND attnum > 0 AND NOT attisdropped";

impl sealed::Sealed for PgPool {}

impl Database for PgPool {
    fn guarded(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<Server>::new(self)
    }
}

#[derive(Debug)]
struct Server {
    /// What ends the guards' haste.
    relax: String,
    /// What limits the time that a transaction goes on alone.
    alone: String,
    types: Mutex<HashMap<(&'static str, &'static str), Arc<str>>>,
}

impl Server {
    /// The type of a row's column; looked up once.
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

    /// What a row's statement answered; nothing, if its text is no id of this type.
    async fn named<T>(
        &self,
        connection: &mut PgConnection,
        plan: &RowPlan,
        answer: Result<T, sqlx::Error>,
    ) -> Result<Option<T>, sqlx::Error> {
        let error = match answer {
            Err(error) if is_misfit(&error) => error,
            answer => return answer.map(Some),
        };
        // The id, or what the column was to hold? The transaction is spoiled, and over in both cases.
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

impl Dialect for Server {
    type Sqlx = Postgres;

    fn describe(pool: &PgPool) -> String {
        let options = pool.connect_options();
        let database = options.get_database().unwrap_or(options.get_username());
        format!("PostgreSQL database {database}")
    }

    fn learn(connection: &mut PgConnection) -> Step<'_, Self> {
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

    fn make_table(connection: &mut PgConnection) -> Step<'_, ()> {
        Box::pin(make(connection))
    }

    fn purge(connection: &mut PgConnection, limit: u32) -> Step<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin(&self, wait: Duration) -> String {
        // 0 would be for ever.
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1);
        format!("BEGIN; SET LOCAL lock_timeout = {wait}{}", self.alone)
    }

    fn relax(&self) -> &str {
        &self.relax
    }

    fn end(&self, _: End) -> Option<String> {
        // What is set locally ends with the transaction.
        None
    }

    fn run(connection: &mut PgConnection, statements: String) -> Step<'_, ()> {
        let ran = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { ran.execute(connection).await.map(drop) })
    }

    fn claim<'c>(
        connection: &'c mut PgConnection,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, Option<Bytes>> {
        Box::pin(async move {
            loop {
                match put(connection, key, value, life, None).await? {
                    Some(Swap::Done) => return Ok(None),
                    Some(Swap::Differs(Some(there))) => return Ok(Some(there)),
                    // Others committed meanwhile; the next statement sees it.
                    Some(Swap::Differs(None)) | None => {}
                }
            }
        })
    }

    fn complete<'c>(
        connection: &'c mut PgConnection,
        key: &'c StorageKey,
        claimed: &'c [u8],
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let put = put(connection, key, value, life, Some(claimed)).await?;
            Ok(put == Some(Swap::Done))
        })
    }

    fn lock_row<'c>(
        &'c self,
        connection: &'c mut PgConnection,
        plan: &'c RowPlan,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let kind = self.column_type(connection, table, id).await?;
            let lock = format!(
                "SELECT 1 FROM \"{table}\" WHERE \"{id}\" = CAST($1::text AS {kind}) FOR UPDATE"
            );
            let lock = sqlx::query(AssertSqlSafe(lock)).bind(&plan.id);
            let locked = lock.fetch_optional(&mut *connection).await;
            let locked = self.named(connection, plan, locked).await?;
            Ok(locked.flatten().is_some())
        })
    }

    fn exchange<'c>(
        &'c self,
        connection: &'c mut PgConnection,
        plan: &'c RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let kind = self.column_type(connection, table, id).await?;
            let held = self.column_type(connection, table, column).await?;
            let update = format!(
                "UPDATE \"{table}\" SET \"{column}\" = CAST($2 AS {held}) \
                 WHERE \"{id}\" = CAST($1::text AS {kind}) AND \"{column}\" = CAST($3 AS {held})"
            );
            let update = sqlx::query(AssertSqlSafe(update)).bind(&plan.id);
            let updated = bound(bound(update, next), expected).execute(&mut *connection).await;
            let updated = self.named(connection, plan, updated).await?;
            Ok(updated.is_some_and(|updated| updated.rows_affected() == 1))
        })
    }

    fn peek<'c>(
        &'c self,
        connection: &'c mut PgConnection,
        plan: &'c RowPlan,
        column: &'static str,
    ) -> Step<'c, Option<String>> {
        Box::pin(async move {
            let Row { table, id, .. } = plan.row;
            let kind = self.column_type(connection, table, id).await?;
            let look = format!(
                "SELECT CAST(\"{column}\" AS text) FROM \"{table}\" \
                 WHERE \"{id}\" = CAST($1::text AS {kind})"
            );
            let look = sqlx::query_scalar(AssertSqlSafe(look)).bind(&plan.id);
            let seen = look.fetch_optional(&mut *connection).await;
            Ok(self.named(connection, plan, seen).await?.flatten())
        })
    }
}

fn bound(
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
