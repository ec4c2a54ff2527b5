//! The table of records, and its statements on one connection.
//!
//! A statement has one moment, that of its arrival, by the server's clock. (`clock_timestamp()`
//! moves on within a statement, and an index cannot be searched by it.)

use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::literal::{from_hex, hex, in_place_of_numbers};
use crate::store::sql::pages::{KeyOrder, KeyRange, LiveRow};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryScalar;
use sqlx::{Connection, PgConnection, Postgres, Row};
use std::borrow::Cow;
use std::time::Duration;

/// The SQL that creates the table.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS idempotency_records (
    key       bytea  NOT NULL PRIMARY KEY,
    value     bytea  NOT NULL,
    ends      bigint NOT NULL, -- milliseconds since 1970, by this server's clock
    operation text   NOT NULL,
    label     text   NOT NULL,
    state     text   NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_records_ends ON idempotency_records (ends);";

const EXISTS: &str = "SELECT to_regclass('idempotency_records') IS NOT NULL";

/// Lets one of several processes that start at once create the table. (A number of our own.)
const CREATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7593461206841)";

macro_rules! now {
    () => {
        "floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
    };
}

macro_rules! create {
    () => {
        concat!(
            "WITH there AS (SELECT value FROM idempotency_records WHERE key = $1 AND ends > ",
            now!(),
            "), put AS (INSERT INTO idempotency_records AS old \
             (key, value, ends, operation, label, state) SELECT $1, $2, $3 + ",
            now!(),
            ", $4, $5, $6 WHERE NOT EXISTS (SELECT FROM there) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends, \
             operation = excluded.operation, label = excluded.label, state = excluded.state \
             WHERE old.ends <= ",
            now!(),
            " RETURNING true) "
        )
    };
}

pub(super) const READ: &str = concat!(
    "SELECT value, ends - ",
    now!(),
    " FROM idempotency_records WHERE key = $1 AND ends > ",
    now!()
);

/// Answers the value that was there, NULL if ours was put, and no row if another client put a value
/// meanwhile, which this statement cannot see. A value that was there is only read, without a lock and
/// without a write to the disk.
pub(super) const CREATE: &str =
    concat!(create!(), "SELECT value FROM there UNION ALL SELECT NULL FROM put");

/// The same as a text, whose answer is one, too.
const CREATE_IN_TEXT: &str =
    concat!(create!(), "SELECT encode(value, 'hex') FROM there UNION ALL SELECT NULL FROM put");

macro_rules! swap {
    ($done:literal) => {
        concat!(
            "WITH put AS (UPDATE idempotency_records SET value = $2, ends = $3 + ",
            now!(),
            ", operation = $4, label = $5, state = $6 WHERE key = $1 AND value = $7 AND ends > ",
            now!(),
            " RETURNING true) SELECT ",
            $done,
            " FROM put UNION ALL SELECT value FROM idempotency_records \
             WHERE key = $1 AND NOT EXISTS (SELECT FROM put) AND ends > ",
            now!()
        )
    };
}

/// Answers NULL if the value was replaced, else the one that was there as the statement began.
pub(super) const SWAP: &str = swap!("NULL");

/// The same, and notifies those who watch the key, if there are any: they hold its lock.
pub(super) const SWAP_AND_TELL: &str = swap!(
    "CASE WHEN NOT pg_try_advisory_xact_lock($8) \
     THEN nullif(pg_notify('idempotency', encode($1, 'hex'))::text, '')::bytea END"
);

/// The channel of those notifications.
pub(super) const CHANNEL: &str = "idempotency";

/// The number of the lock that those hold who watch a key.
pub(super) fn lock_number(key: &StorageKey) -> i64 {
    let (number, _) = key.as_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*number)
}

const NTH_KEY: &str = "\
SELECT key FROM idempotency_records WHERE key > $1 ORDER BY key LIMIT 1 OFFSET $2";

pub(super) const PAGE: &str = concat!(
    "SELECT key, value, ends - ",
    now!(),
    " FROM idempotency_records WHERE key > $1 AND key <= $2 AND ends > ",
    now!(),
    " AND operation = coalesce($3, operation) AND state = coalesce($4, state) ORDER BY key LIMIT $5"
);

/// Skips rows that others are about to write. (An array, because no length of it makes the planner
/// read the whole table.)
pub(super) const PURGE: &str = concat!(
    "DELETE FROM idempotency_records WHERE key = ANY(ARRAY(SELECT key FROM idempotency_records \
     WHERE ends <= ",
    now!(),
    " ORDER BY ends LIMIT $1 FOR UPDATE SKIP LOCKED))"
);

/// Creates the table where it is missing.
pub(crate) async fn create_table(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // `IF NOT EXISTS` fails when two do it at once, and for users who may not create tables.
    let exists: bool = sqlx::query_scalar(EXISTS).fetch_one(&mut *connection).await?;
    if exists {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(CREATION_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Reads the value that is alive under a key.
pub(crate) async fn read(
    connection: &mut PgConnection,
    key: &StorageKey,
) -> Result<Option<Entry>, sqlx::Error> {
    let query = sqlx::query_as(READ).bind(key.as_bytes().as_slice());
    let row: Option<(Vec<u8>, i64)> = query.fetch_optional(connection).await?;
    Ok(row.map(|(value, left)| Entry::new(value, Duration::from_millis(left.unsigned_abs()))))
}

/// Puts a value where none is alive or, if one is expected, where that is, and gives the value that is
/// there instead; `None` means that others were writing, and that it must be tried again.
///
/// At READ COMMITTED it waits for transactions that are about to put or replace the value; at higher
/// levels the database makes one of them start again.
pub(crate) async fn put(
    connection: &mut PgConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: Option<&[u8]>,
) -> Result<Option<Swap>, sqlx::Error> {
    let statement = if expected.is_some() { SWAP } else { CREATE };
    let query = bind_put(sqlx::query_scalar(statement), key, value, life);
    let query = match expected {
        Some(expected) => query.bind(expected),
        None => query,
    };
    answered(query, connection, expected).await
}

/// Replaces the value that is expected, as [`put`] does, and tells those who watch the key.
pub(super) async fn swap_and_tell(
    connection: &mut PgConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: &[u8],
) -> Result<Option<Swap>, sqlx::Error> {
    let query = bind_put(sqlx::query_scalar(SWAP_AND_TELL), key, value, life);
    let query = query.bind(expected).bind(lock_number(key));
    answered(query, connection, Some(expected)).await
}

type ValueQuery<'q> = QueryScalar<'q, Postgres, Option<Vec<u8>>, PgArguments>;

fn bind_put<'q>(
    query: ValueQuery<'q>,
    key: &'q StorageKey,
    value: &'q [u8],
    life: Duration,
) -> ValueQuery<'q> {
    let summary = Summary::of(value);
    query
        .bind(key.as_bytes().as_slice())
        .bind(value)
        .bind(life_millis(life))
        .bind(summary.operation)
        .bind(readable(summary.label))
        .bind(summary.state)
}

/// Asks, and reads the row that is answered, if any.
async fn answered(
    query: ValueQuery<'_>,
    connection: &mut PgConnection,
    expected: Option<&[u8]>,
) -> Result<Option<Swap>, sqlx::Error> {
    let row: Option<Option<Vec<u8>>> = query.fetch_optional(connection).await?;
    Ok(match (row, expected) {
        (Some(None), _) => Some(Swap::Done),
        // It was there as the statement began, and another client replaced it first.
        (Some(Some(there)), Some(expected)) if there == expected => None,
        (Some(Some(there)), _) => Some(Swap::Differs(Some(there.into()))),
        (None, Some(_)) => Some(Swap::Differs(None)),
        (None, None) => None,
    })
}

impl KeyOrder for PgConnection {
    async fn nth_key(&mut self, after: &[u8], nth: u32) -> Result<Option<Vec<u8>>, sqlx::Error> {
        sqlx::query_scalar(NTH_KEY).bind(after).bind(i64::from(nth)).fetch_optional(self).await
    }

    async fn rows(&mut self, range: &KeyRange<'_>) -> Result<Vec<LiveRow>, sqlx::Error> {
        let query = sqlx::query_as(PAGE)
            .bind(range.after.as_slice())
            .bind(range.until)
            .bind(range.filter.operation.as_deref())
            .bind(range.filter.state)
            .bind(i64::from(range.limit));
        query.fetch_all(self).await
    }
}

/// The text of a statement that puts a value where none is alive; [`found`] reads its answer.
pub(crate) fn create_text(key: &StorageKey, value: &[u8], life: Duration) -> String {
    in_place_of_numbers(CREATE_IN_TEXT, &literals(key, value, life))
}

/// Reads the answer to [`create_text`], as [`put`] tells it.
pub(crate) fn found(rows: &[PgRow]) -> Result<Option<Swap>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(None) };
    let Some(there) = row.try_get::<Option<&str>, _>(0)? else { return Ok(Some(Swap::Done)) };
    let there = from_hex(there).ok_or_else(|| sqlx::Error::Decode("no hexadecimal digits".into()));
    Ok(Some(Swap::Differs(Some(there?.into()))))
}

fn literals(key: &StorageKey, value: &[u8], life: Duration) -> Vec<String> {
    let summary = Summary::of(value);
    let text = |text: &str| format!("convert_from({}, 'UTF8')", bytes_literal(text.as_bytes()));
    vec![
        bytes_literal(key.as_bytes()),
        bytes_literal(value),
        life_millis(life).to_string(),
        text(summary.operation),
        text(&readable(summary.label)),
        text(summary.state),
    ]
}

fn bytes_literal(bytes: &[u8]) -> String {
    format!("decode('{}', 'hex')", hex(bytes))
}

/// Drops at most `limit` values whose life is over, and says how many.
pub(crate) async fn purge(connection: &mut PgConnection, limit: u32) -> Result<u32, sqlx::Error> {
    let purged = sqlx::query(PURGE).bind(i64::from(limit)).execute(connection).await?;
    Ok(u32::try_from(purged.rows_affected()).unwrap_or(limit))
}

/// The text without NUL, which `PostgreSQL` cannot hold; a key from a body may have one.
fn readable(label: Cow<'_, str>) -> Cow<'_, str> {
    if label.contains('\0') { label.replace('\0', "\u{fffd}").into() } else { label }
}
