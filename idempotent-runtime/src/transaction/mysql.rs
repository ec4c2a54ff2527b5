//! `MariaDB` and `MySQL`: rows are locked one by one, and of two that wait for each other one loses
//! its whole transaction.

use crate::key::StorageKey;
use crate::policy::{ColumnValue, Row};
use crate::store::Swap;
use crate::store::sql::mysql::rows::{make, purge, put};
use crate::transaction::database::{BusinessDatabase, Database, sealed};
use crate::transaction::dialect::{Dialect, End, Step};
use crate::transaction::plan::RowPlan;
use crate::transaction::pooled::Pooled;
use bytes::Bytes;
use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, MySqlPool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SETTINGS: &str = "\
SELECT CAST(@@innodb_lock_wait_timeout AS SIGNED), CAST(@@autocommit AS SIGNED),
       CAST(@@completion_type AS CHAR)";

const TYPE: &str = "\
SELECT CAST(data_type AS CHAR) FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?";

impl sealed::Sealed for MySqlPool {}

impl Database for MySqlPool {
    fn guarded(self) -> Arc<dyn BusinessDatabase> {
        Pooled::<Server>::new(self)
    }
}

#[derive(Debug)]
struct Server {
    /// What ends the guards' haste.
    relax: String,
    /// What ends that and the rest that was set.
    leave: String,
    kinds: Mutex<HashMap<(&'static str, &'static str), Kind>>,
}

/// What the ids of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Integers, which a text equals that merely begins like one.
    Integer,
    /// Other numbers, of which the same holds.
    Number,
    /// What is compared as a text.
    Text,
}

/// An id, as it is bound.
#[derive(Clone, Copy)]
enum Id<'a> {
    Signed(i64),
    Unsigned(u64),
    Text(&'a str),
}

impl Kind {
    fn of(data_type: &str) -> Self {
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Self::Integer,
            "decimal" | "float" | "double" => Self::Number,
            _ => Self::Text,
        }
    }

    /// The id that a text is, if it is one.
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

impl Server {
    /// The id of a plan's row as its column compares it; nothing, if no row can have it.
    async fn id<'p>(
        &self,
        connection: &mut MySqlConnection,
        plan: &'p RowPlan,
    ) -> Result<Option<Id<'p>>, sqlx::Error> {
        let place = (plan.row.table, plan.row.id);
        let kinds = || self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds().get(&place).copied();
        if let Some(known) = known {
            return Ok(known.read(&plan.id));
        }
        let look = sqlx::query_scalar(TYPE).bind(place.0).bind(place.1);
        let found: Option<String> = look.fetch_optional(connection).await?;
        let missing = || sqlx::Error::ColumnNotFound(format!("{}.{}", place.0, place.1));
        let kind = Kind::of(&found.ok_or_else(missing)?);
        kinds().insert(place, kind);
        Ok(kind.read(&plan.id))
    }
}

impl Dialect for Server {
    type Sqlx = MySql;

    fn describe(pool: &MySqlPool) -> String {
        let options = pool.connect_options();
        format!("MySQL database {}", options.get_database().unwrap_or_default())
    }

    fn learn(connection: &mut MySqlConnection) -> Step<'_, Self> {
        Box::pin(async move {
            let settings = sqlx::query_as(SETTINGS).fetch_one(connection).await?;
            let (wait, autocommit, completion): (i64, i64, String) = settings;
            let relax = format!("SET SESSION innodb_lock_wait_timeout = {wait}");
            let leave = format!(
                "{relax}, SESSION autocommit = {autocommit}, SESSION completion_type = {completion}"
            );
            Ok(Self { relax, leave, kinds: Mutex::default() })
        })
    }

    fn make_table(connection: &mut MySqlConnection) -> Step<'_, ()> {
        Box::pin(make(connection))
    }

    fn purge(connection: &mut MySqlConnection, limit: u32) -> Step<'_, ()> {
        Box::pin(async move { purge(connection, limit).await.map(drop) })
    }

    fn begin(&self, wait: Duration) -> String {
        // In whole seconds; the client is not kept waiting for the rest.
        let wait = wait.as_millis().div_ceil(1000).clamp(1, 1 << 30);
        // After a deadlock that a handler does not care about, what it does next is a transaction that
        // nobody commits, and not a lot of single statements that stay. And a transaction that is
        // dropped takes its connection with it, so that none goes back to the pool like that.
        format!(
            "SET SESSION innodb_lock_wait_timeout = {wait}, SESSION autocommit = 0, \
             SESSION completion_type = 'RELEASE'; START TRANSACTION"
        )
    }

    fn relax(&self) -> &str {
        &self.relax
    }

    fn end(&self, how: End) -> Option<String> {
        Some(format!("{} NO RELEASE; {}", how.name(), self.leave))
    }

    fn run(connection: &mut MySqlConnection, statements: String) -> Step<'_, ()> {
        let ran = sqlx::raw_sql(AssertSqlSafe(statements));
        Box::pin(async move { ran.execute(connection).await.map(drop) })
    }

    fn claim<'c>(
        connection: &'c mut MySqlConnection,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, Option<Bytes>> {
        Box::pin(async move {
            loop {
                // What is there is seen at every level: nothing was read before.
                match put(connection, key, value, life, None).await? {
                    Some(Swap::Done) => return Ok(None),
                    Some(Swap::Differs(Some(there))) => return Ok(Some(there)),
                    // Its life ended between the two statements.
                    Some(Swap::Differs(None)) | None => {}
                }
            }
        })
    }

    fn complete<'c>(
        connection: &'c mut MySqlConnection,
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
        connection: &'c mut MySqlConnection,
        plan: &'c RowPlan,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let Some(id) = self.id(connection, plan).await? else { return Ok(false) };
            let Row { table, id: name, .. } = plan.row;
            let lock = format!("SELECT 1 FROM `{table}` WHERE `{name}` = ? FOR UPDATE");
            let lock = named(sqlx::query(AssertSqlSafe(lock)), id);
            Ok(lock.fetch_optional(connection).await?.is_some())
        })
    }

    fn exchange<'c>(
        &'c self,
        connection: &'c mut MySqlConnection,
        plan: &'c RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> Step<'c, bool> {
        Box::pin(async move {
            let Some(id) = self.id(connection, plan).await? else { return Ok(false) };
            let Row { table, id: name, .. } = plan.row;
            let update = format!(
                "UPDATE `{table}` SET `{column}` = ? WHERE `{name}` = ? AND `{column}` = ?"
            );
            let update = named(bound(sqlx::query(AssertSqlSafe(update)), next), id);
            let updated = bound(update, expected).execute(connection).await?;
            // Rows that were found, as sqlx asks the server to count.
            Ok(updated.rows_affected() == 1)
        })
    }

    fn peek<'c>(
        &'c self,
        connection: &'c mut MySqlConnection,
        plan: &'c RowPlan,
        column: &'static str,
    ) -> Step<'c, Option<String>> {
        Box::pin(async move {
            let Some(id) = self.id(connection, plan).await? else { return Ok(None) };
            let Row { table, id: name, .. } = plan.row;
            let look = format!("SELECT CAST(`{column}` AS CHAR) FROM `{table}` WHERE `{name}` = ?");
            let look = named(sqlx::query(AssertSqlSafe(look)), id);
            let row = look.fetch_optional(connection).await?;
            row.map(|row| sqlx::Row::try_get(&row, 0)).transpose()
        })
    }
}

type Bound<'q> = Query<'q, MySql, MySqlArguments>;

fn named<'q>(query: Bound<'q>, id: Id<'_>) -> Bound<'q> {
    match id {
        Id::Signed(number) => query.bind(number),
        Id::Unsigned(number) => query.bind(number),
        Id::Text(text) => query.bind(text.to_owned()),
    }
}

fn bound(query: Bound<'_>, value: ColumnValue) -> Bound<'_> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}
