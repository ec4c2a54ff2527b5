//! `MariaDB` and `MySQL`: rows are locked one by one, and of two that wait for each other one loses
//! its whole transaction.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::sql::mysql::rows::{create_table, purge, put, read};
use crate::store::{Entry, StoreFuture, Swap};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, DialectFuture, RELEASE_SAVEPOINT, TxEnd};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use crate::transaction::steps::Steps;
use bytes::Bytes;
use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, MySqlPool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SETTINGS: &str = "\
SELECT CAST(@@innodb_lock_wait_timeout AS SIGNED), CAST(@@autocommit AS SIGNED)";

const TYPE: &str = "\
SELECT CAST(data_type AS CHAR) FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?";

impl sealed::SealedDatabase for MySqlPool {}

impl Database for MySqlPool {
    fn into_business_database(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<MySqlDialect>::new(self)
    }
}

#[derive(Debug)]
struct MySqlDialect {
    /// Sets the lock timeout of the pool's connections again, after the guards.
    relax: String,
    /// The same, and all else that was set for a transaction.
    leave: String,
    /// The types of id columns, by table and column.
    id_types: Mutex<HashMap<(&'static str, &'static str), IdType>>,
}

/// The type of a table's ids, as far as comparing them depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdType {
    /// Integers. `MySQL` takes a text that only begins like a number for that number.
    Integer,
    /// Other numbers, with the same problem.
    Number,
    /// Compared as a text.
    Text,
}

/// An id, as it is bound.
#[derive(Clone, Copy)]
enum Id<'a> {
    Signed(i64),
    Unsigned(u64),
    Text(&'a str),
}

impl IdType {
    fn of(data_type: &str) -> Self {
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Self::Integer,
            "decimal" | "float" | "double" => Self::Number,
            _ => Self::Text,
        }
    }

    /// Reads a text as an id of this type, if it is one.
    fn read(self, text: &str) -> Option<Id<'_>> {
        match self {
            Self::Integer => {
                let signed = text.parse().map(Id::Signed);
                signed.or_else(|_| text.parse().map(Id::Unsigned)).ok()
            }
            Self::Number => {
                let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
                is_number.then_some(Id::Text(text))
            }
            Self::Text => Some(Id::Text(text)),
        }
    }
}

impl MySqlDialect {
    /// The id of a plan's row as its column compares it; nothing, if no row can have it.
    async fn id<'p>(
        &self,
        connection: &mut MySqlConnection,
        plan: &'p RowPlan,
    ) -> Result<Option<Id<'p>>, sqlx::Error> {
        let place = (plan.row.table, plan.row.id);
        let id_types = || self.id_types.lock().unwrap_or_else(PoisonError::into_inner);
        let known = id_types().get(&place).copied();
        if let Some(known) = known {
            return Ok(known.read(&plan.id));
        }
        let look = sqlx::query_scalar(TYPE).bind(place.0).bind(place.1);
        let found: Option<String> = look.fetch_optional(connection).await?;
        let missing = || sqlx::Error::ColumnNotFound(format!("{}.{}", place.0, place.1));
        let id_type = IdType::of(&found.ok_or_else(missing)?);
        id_types().insert(place, id_type);
        Ok(id_type.read(&plan.id))
    }
}

impl Dialect for MySqlDialect {
    type Sqlx = MySql;

    fn describe(pool: &MySqlPool) -> String {
        let options = pool.connect_options();
        format!("MySQL database {}", options.get_database().unwrap_or_default())
    }

    fn learn(connection: &mut MySqlConnection) -> DialectFuture<'_, Self> {
        Box::pin(async move {
            let settings = sqlx::query_as(SETTINGS).fetch_one(connection).await?;
            let (wait, autocommit): (i64, i64) = settings;
            let relax = format!("SET SESSION innodb_lock_wait_timeout = {wait}");
            let leave = format!("{relax}, SESSION autocommit = {autocommit}");
            Ok(Self { relax, leave, id_types: Mutex::default() })
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

    fn purge(connection: &mut MySqlConnection, limit: u32) -> DialectFuture<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin_sql(&self, wait: Duration) -> String {
        // In whole seconds; the client is not kept waiting for the rest.
        let wait = wait.as_millis().div_ceil(1000).clamp(1, 1 << 30);
        // After a deadlock that a handler ignores, and after DDL, which commits, its next statements are a
        // transaction that is never committed, and not single statements that last.
        format!(
            "SET SESSION innodb_lock_wait_timeout = {wait}, SESSION autocommit = 0; \
             START TRANSACTION"
        )
    }

    fn relax_sql(&self) -> &str {
        &self.relax
    }

    fn end_sql(&self, end: TxEnd) -> Option<String> {
        let end = match end {
            TxEnd::Commit => &format!("{RELEASE_SAVEPOINT}; COMMIT"),
            TxEnd::Rollback => "ROLLBACK",
        };
        // Whatever the server's `completion_type` is.
        Some(format!("{end} AND NO CHAIN NO RELEASE; {}", self.leave))
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
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step("claim", move |_, connection| async move {
            loop {
                // A record that is there is seen at every isolation level: nothing was read before.
                match put(connection, key, record, life, None).await? {
                    Some(Swap::Done) => return Ok(None),
                    Some(Swap::Differs(Some(there))) => return Ok(Some(there)),
                    // Its life ended between the two statements.
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
            let Some(id) = dialect.id(connection, plan).await? else { return Ok(false) };
            let Row { table, id: name, .. } = plan.row;
            let lock = format!("SELECT 1 FROM `{table}` WHERE `{name}` = ? FOR UPDATE");
            let lock = bind_id(sqlx::query(AssertSqlSafe(lock)), id);
            Ok(lock.fetch_optional(connection).await?.is_some())
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
            let Some(id) = dialect.id(connection, plan).await? else { return Ok(false) };
            let Row { table, id: name, .. } = plan.row;
            let update = format!(
                "UPDATE `{table}` SET `{column}` = ? WHERE `{name}` = ? AND `{column}` = ?"
            );
            let update = bind_id(bind_value(sqlx::query(AssertSqlSafe(update)), next), id);
            let updated = bind_value(update, expected).execute(connection).await?;
            // Rows that were found, as sqlx asks the server to count.
            Ok(updated.rows_affected() == 1)
        })
    }

    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        self.step("look", move |dialect, connection| async move {
            let Some(id) = dialect.id(connection, plan).await? else { return Ok(None) };
            let Row { table, id: name, .. } = plan.row;
            let look = format!("SELECT CAST(`{column}` AS CHAR) FROM `{table}` WHERE `{name}` = ?");
            let look = bind_id(sqlx::query(AssertSqlSafe(look)), id);
            let row = look.fetch_optional(connection).await?;
            row.map(|row| sqlx::Row::try_get(&row, 0)).transpose()
        })
    }
}

type MySqlQuery<'q> = Query<'q, MySql, MySqlArguments>;

fn bind_id<'q>(query: MySqlQuery<'q>, id: Id<'_>) -> MySqlQuery<'q> {
    match id {
        Id::Signed(number) => query.bind(number),
        Id::Unsigned(number) => query.bind(number),
        Id::Text(text) => query.bind(text.to_owned()),
    }
}

fn bind_value(query: MySqlQuery<'_>, value: ColumnValue) -> MySqlQuery<'_> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}
