//! The table of records, and its statements on one connection.
//!
//! A statement has one moment, that of its arrival, by the server's clock. (`clock_timestamp()`
//! moves on within a statement, and an index cannot be searched by it.)

use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::pages::{KeyOrder, KeyRange, LiveRow};
use sqlx::postgres::{PgArguments, PgQueryResult};
use sqlx::query::Query;
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

macro_rules! alive {
    ($value:literal) => {
        concat!("SELECT ", $value, " FROM idempotency_records WHERE key = $1 AND ends > ", now!())
    };
}

macro_rules! row {
    () => {
        concat!("$1, $2, $3 + ", now!(), ", $4, $5, $6")
    };
}

pub(super) const READ: &str = concat!(
    "SELECT value, ends - ",
    now!(),
    " FROM idempotency_records WHERE key = $1 AND ends > ",
    now!()
);

const LOOK: &str =
    concat!("SELECT value, ends > ", now!(), " FROM idempotency_records WHERE key = $1");

/// Answers the value that was there, NULL if ours was put, and no row where neither is so: the row's life is over,
/// or another client put it meanwhile, which this statement cannot see. A value that was there is only read, without
/// a lock and without a write to the disk.
pub(super) const CREATE: &str = concat!(
    "WITH there AS (",
    alive!("value"),
    "), put AS (INSERT INTO idempotency_records (key, value, ends, operation, label, state) SELECT ",
    row!(),
    " WHERE NOT EXISTS (SELECT FROM there) ON CONFLICT (key) DO NOTHING RETURNING true) \
     SELECT value FROM there UNION ALL SELECT NULL FROM put"
);

/// Puts where nothing is or its life is over. A statement of its own, since the one for both costs each claim more.
pub(super) const CREATE_OVER: &str = concat!(
    "INSERT INTO idempotency_records AS old (key, value, ends, operation, label, state) VALUES (",
    row!(),
    ") ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends, \
     operation = excluded.operation, label = excluded.label, state = excluded.state \
     WHERE old.ends <= ",
    now!()
);

/// Puts where nothing is. As a text it costs half as much as [`CREATE`], which is planned anew each time.
pub(super) const CREATE_WHERE_NONE: &str = concat!(
    "INSERT INTO idempotency_records (key, value, ends, operation, label, state) VALUES (",
    row!(),
    ") ON CONFLICT (key) DO NOTHING"
);

macro_rules! swap {
    () => {
        concat!(
            "UPDATE idempotency_records SET value = $2, ends = $3 + ",
            now!(),
            ", operation = $4, label = $5, state = $6 WHERE key = $1 AND value = $7 AND ends > ",
            now!()
        )
    };
}

pub(super) const SWAP: &str = swap!();

/// The same, and notifies those who watch the key, if there are any: they hold its lock.
pub(super) const SWAP_AND_TELL: &str = concat!(
    swap!(),
    " RETURNING CASE WHEN NOT pg_try_advisory_xact_lock($8) \
     THEN pg_notify('idempotency', encode($1, 'hex')) END"
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

/// Reads the value under a key, and whether it is alive.
pub(crate) async fn look(
    connection: &mut PgConnection,
    key: &StorageKey,
) -> Result<Option<(Vec<u8>, bool)>, sqlx::Error> {
    sqlx::query_as(LOOK).bind(key.as_bytes().as_slice()).fetch_optional(connection).await
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
    let Some(expected) = expected else { return create(connection, key, value, life).await };
    let swap = bind_put(SWAP, key, value, life).bind(expected);
    swapped(swap.execute(&mut *connection).await?, connection, key, expected).await
}

/// Replaces the value that is expected, as [`put`] does, and tells those who watch the key.
pub(super) async fn swap_and_tell(
    connection: &mut PgConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: &[u8],
) -> Result<Option<Swap>, sqlx::Error> {
    let swap = bind_put(SWAP_AND_TELL, key, value, life).bind(expected).bind(lock_number(key));
    swapped(swap.execute(&mut *connection).await?, connection, key, expected).await
}

async fn create(
    connection: &mut PgConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
) -> Result<Option<Swap>, sqlx::Error> {
    let row = bind_put(CREATE, key, value, life).fetch_optional(&mut *connection).await?;
    let Some(row) = row else {
        let put = bind_put(CREATE_OVER, key, value, life).execute(connection).await?;
        return Ok((put.rows_affected() == 1).then_some(Swap::Done));
    };
    let there: Option<Vec<u8>> = row.try_get(0)?;
    Ok(Some(there.map_or(Swap::Done, |there| Swap::Differs(Some(there.into())))))
}

/// Reads the value that is there where an exchange found another one.
async fn swapped(
    done: PgQueryResult,
    connection: &mut PgConnection,
    key: &StorageKey,
    expected: &[u8],
) -> Result<Option<Swap>, sqlx::Error> {
    if done.rows_affected() == 1 {
        return Ok(Some(Swap::Done));
    }
    let there = read(connection, key).await?.map(|entry| entry.value);
    // Another client put the expected one back meanwhile.
    let is_back = there.as_ref().is_some_and(|there| there == expected);
    Ok((!is_back).then_some(Swap::Differs(there)))
}

fn bind_put<'q>(
    statement: &'static str,
    key: &'q StorageKey,
    value: &'q [u8],
    life: Duration,
) -> Query<'q, Postgres, PgArguments> {
    let summary = Summary::of(value);
    sqlx::query(statement)
        .bind(key.as_bytes().as_slice())
        .bind(value)
        .bind(life_millis(life))
        .bind(summary.operation)
        .bind(readable(summary.label))
        .bind(summary.state)
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

/// Drops at most `limit` values whose life is over, and says how many.
pub(crate) async fn purge(connection: &mut PgConnection, limit: u32) -> Result<u32, sqlx::Error> {
    let purged = sqlx::query(PURGE).bind(i64::from(limit)).execute(connection).await?;
    Ok(u32::try_from(purged.rows_affected()).unwrap_or(limit))
}

/// The text without NUL, which `PostgreSQL` cannot hold; a key from a body may have one.
pub(super) fn readable(label: Cow<'_, str>) -> Cow<'_, str> {
    if label.contains('\0') { label.replace('\0', "\u{fffd}").into() } else { label }
}
