//! The table of records, and its statements on one connection.

use crate::clock::millis;
use crate::key::StorageKey;
use crate::store::contract::Entry;
use crate::store::record::Summary;
use crate::store::sql::pages::{KeyOrder, KeyRange, LiveRow};
use sqlx::{SqliteConnection, SqliteExecutor};
use std::collections::HashMap;
use std::time::Duration;

/// The SQL that creates the table where it is missing.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS idempotency_records (
    key       BLOB    NOT NULL PRIMARY KEY,
    value     BLOB    NOT NULL,
    ends_ms   INTEGER NOT NULL,
    operation TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    state     TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idempotency_records_ends_ms ON idempotency_records (ends_ms);";

const READ: &str = "\
SELECT value, ends_ms FROM idempotency_records WHERE key = ?1 AND ends_ms > ?2";

const CREATE: &str = "\
INSERT INTO idempotency_records (key, value, ends_ms, operation, label, state)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (key) DO UPDATE SET
    value = excluded.value, ends_ms = excluded.ends_ms, operation = excluded.operation,
    label = excluded.label, state = excluded.state
WHERE ends_ms <= ?7";

const SWAP: &str = "\
UPDATE idempotency_records SET value = ?2, ends_ms = ?3, operation = ?4, label = ?5, state = ?6
WHERE key = ?1 AND ends_ms > ?7 AND value = ?8";

const NTH_KEY: &str = "\
SELECT key FROM idempotency_records WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2";

/// By the order of the keys, whatever the other index promises.
const PAGE: &str = "\
SELECT key, value, ends_ms - ?6 FROM idempotency_records
WHERE key > ?1 AND key <= ?2 AND +ends_ms > ?6
    AND operation = coalesce(?3, operation) AND state = coalesce(?4, state)
ORDER BY key LIMIT ?5";

const PURGE: &str = "\
DELETE FROM idempotency_records WHERE key IN
    (SELECT key FROM idempotency_records WHERE ends_ms <= ?1 LIMIT ?2)";

/// Reads the value that is alive under a key at this moment.
pub(crate) async fn read(
    executor: impl SqliteExecutor<'_>,
    key: &StorageKey,
    now: i64,
) -> Result<Option<Entry>, sqlx::Error> {
    let query = sqlx::query_as(READ).bind(key.as_bytes().as_slice()).bind(now);
    let row: Option<(Vec<u8>, i64)> = query.fetch_optional(executor).await?;
    Ok(row.map(|(value, ends)| Entry::new(value, left(ends, now))))
}

/// Found by their keys, whatever the other index promises. Where there are fewer keys than places, some come again.
const READ_4: &str = "\
SELECT value, ends_ms, key FROM idempotency_records WHERE +ends_ms > ?1 AND key IN (?2, ?3, ?4, ?5)";
const READ_16: &str = "\
SELECT value, ends_ms, key FROM idempotency_records WHERE +ends_ms > ?1 AND key IN \
(?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// Reads the values that are alive under up to 16 keys at this moment.
pub(super) async fn read_several(
    connection: &mut SqliteConnection,
    keys: &[StorageKey],
    now: i64,
) -> Result<Vec<Option<Entry>>, sqlx::Error> {
    if let [key] = keys {
        return Ok(vec![read(connection, key, now).await?]);
    }
    let (statement, places) = if keys.len() <= 4 { (READ_4, 4) } else { (READ_16, 16) };
    let mut query = sqlx::query_as(statement).bind(now);
    for key in keys.iter().cycle().take(places) {
        query = query.bind(key.as_bytes().as_slice());
    }
    let rows: Vec<(Vec<u8>, i64, Vec<u8>)> = query.fetch_all(connection).await?;
    let there: HashMap<_, _> = rows
        .into_iter()
        .map(|(value, ends, key)| (key, Entry::new(value, left(ends, now))))
        .collect();
    Ok(keys.iter().map(|key| there.get(key.as_bytes().as_slice()).cloned()).collect())
}

fn left(ends: i64, now: i64) -> Duration {
    Duration::from_millis(ends.saturating_sub(now).unsigned_abs())
}

/// Puts a value where none is alive or, if one is expected, where that is, and says whether it did.
pub(crate) async fn put(
    connection: &mut SqliteConnection,
    key: &StorageKey,
    value: &[u8],
    ends: i64,
    now: i64,
    expected: Option<&[u8]>,
) -> Result<bool, sqlx::Error> {
    let summary = Summary::of(value);
    let query = sqlx::query(if expected.is_some() { SWAP } else { CREATE })
        .bind(key.as_bytes().as_slice())
        .bind(value)
        .bind(ends)
        .bind(summary.operation)
        .bind(summary.label)
        .bind(summary.state)
        .bind(now);
    let query = match expected {
        Some(expected) => query.bind(expected),
        None => query,
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

/// The table on a connection, at a moment.
#[derive(Debug)]
pub(crate) struct TableAt<'c> {
    pub(crate) connection: &'c mut SqliteConnection,
    pub(crate) now: i64,
}

impl KeyOrder for TableAt<'_> {
    async fn nth_key(&mut self, after: &[u8], nth: u32) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let query = sqlx::query_scalar(NTH_KEY).bind(after).bind(nth);
        query.fetch_optional(&mut *self.connection).await
    }

    async fn rows(&mut self, range: &KeyRange<'_>) -> Result<Vec<LiveRow>, sqlx::Error> {
        let query = sqlx::query_as(PAGE)
            .bind(range.after.as_slice())
            .bind(range.until)
            .bind(range.filter.operation.as_deref())
            .bind(range.filter.state)
            .bind(range.limit)
            .bind(self.now);
        query.fetch_all(&mut *self.connection).await
    }
}

/// Whether this error says that there is no table of records.
pub(crate) fn is_table_missing(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.message() == "no such table: idempotency_records")
}

/// Drops at most `limit` values whose life is over, and says how many.
pub(crate) async fn purge(
    connection: &mut SqliteConnection,
    limit: u32,
    now: i64,
) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(PURGE).bind(now).bind(limit).execute(connection).await?.rows_affected())
}

/// A time in milliseconds, as the table holds it; one that does not fit is the largest that does.
pub(crate) fn column_millis(duration: Duration) -> i64 {
    i64::try_from(millis(duration)).unwrap_or(i64::MAX)
}
