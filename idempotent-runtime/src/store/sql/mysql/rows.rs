//! The table of records, and its statements on one connection.
//!
//! A statement has one moment by the server's clock, in UTC: local times repeat in autumn.

use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::literal::hex;
use crate::store::sql::pages::{KeyOrder, KeyRange, LiveRow};
use futures_util::TryStreamExt;
use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Either, Executor, MySql, MySqlConnection, Row};
use std::time::Duration;

/// The SQL that creates the table.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS idempotency_records (
    `key`     VARBINARY(32) NOT NULL PRIMARY KEY,
    value     LONGBLOB      NOT NULL,
    ends      BIGINT        NOT NULL COMMENT 'milliseconds since 1970, by this server''s clock',
    operation TEXT          NOT NULL,
    label     TEXT          NOT NULL,
    state     VARCHAR(32)   NOT NULL,
    KEY idempotency_records_ends (ends)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;";

const EXISTS: &str = "\
SELECT COUNT(*) FROM information_schema.tables \
WHERE table_schema = DATABASE() AND table_name = 'idempotency_records'";

macro_rules! now {
    () => {
        "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000"
    };
}

pub(super) const READ: &str = concat!(
    "SELECT value, ends - ",
    now!(),
    " FROM idempotency_records WHERE `key` = ? AND ends > ",
    now!()
);

macro_rules! insert_or_update {
    () => {
        concat!(
            "INSERT INTO idempotency_records (`key`, value, ends, operation, label, state) \
             VALUES (?, ?, ? + ",
            now!(),
            ", ?, ?, ?) ON DUPLICATE KEY UPDATE "
        )
    };
}

pub(super) use {insert_or_update, now};

macro_rules! unless_alive {
    ($column:literal) => {
        concat!($column, " = IF(ends <= ", now!(), ", VALUES(", $column, "), ", $column, "), ")
    };
}

/// One statement, which asks for an exclusive lock at once. A plain `INSERT` asks for two locks, so two
/// of them can be a deadlock.
///
/// The assignments are made in this order, so `ends` is the last. The count of rows is the same for a
/// value that was put and for one that stayed, so the last id, a number that is bound, tells that it stayed. `MariaDB`
/// answers that value, too.
pub(super) const CREATE: &str = concat!(
    insert_or_update!(),
    unless_alive!("value"),
    unless_alive!("operation"),
    unless_alive!("label"),
    unless_alive!("state"),
    "ends = IF(ends <= ",
    now!(),
    ", VALUES(ends), IF(LAST_INSERT_ID(?), ends, ends)) /*M!100500 RETURNING value, LAST_INSERT_ID() */"
);

pub(super) const SWAP: &str = concat!(
    "UPDATE idempotency_records SET value = ?, ends = ? + ",
    now!(),
    ", operation = ?, label = ?, state = ? WHERE `key` = ? AND value = ? AND ends > ",
    now!()
);

const NTH_KEY: &str = "\
SELECT `key` FROM idempotency_records WHERE `key` > ? ORDER BY `key` LIMIT 1 OFFSET ?";

/// By the table's own order, also where few rows are alive. As bytes: a collation that pads takes texts for equal
/// that are not.
pub(super) const PAGE: &str = concat!(
    "SELECT `key`, value, ends - ",
    now!(),
    " FROM idempotency_records FORCE INDEX (PRIMARY) WHERE `key` > ? AND `key` <= ? AND ends > ",
    now!(),
    " AND CAST(operation AS BINARY) = CAST(COALESCE(?, operation) AS BINARY) AND state = COALESCE(?, state) ORDER BY `key` LIMIT ?"
);

/// Skips rows that others are about to write. (A statement of its own: the `DELETE` would lock in
/// the other order than writers do, and wait for them.)
pub(super) const OVER: &str = concat!(
    "SELECT `key` FROM idempotency_records WHERE ends <= ",
    now!(),
    " ORDER BY ends LIMIT ? FOR UPDATE SKIP LOCKED"
);

/// How many keys one statement drops at most.
const BATCH: u32 = 512;

/// Creates the table where it is missing, and ends an open transaction.
pub(crate) async fn create_table(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    // `IF NOT EXISTS` fails for users who may not create tables.
    let tables: i64 = sqlx::query_scalar(EXISTS).fetch_one(&mut *connection).await?;
    if tables == 0 {
        sqlx::raw_sql(SCHEMA).execute(connection).await?;
    }
    Ok(())
}

/// Reads the value that is alive under a key.
pub(crate) async fn read(
    connection: &mut MySqlConnection,
    key: &StorageKey,
) -> Result<Option<Entry>, sqlx::Error> {
    let query = sqlx::query_as(READ).bind(key.as_bytes().as_slice());
    let row: Option<(Vec<u8>, i64)> = query.fetch_optional(connection).await?;
    Ok(row.map(|(value, left)| Entry::new(value, Duration::from_millis(left.unsigned_abs()))))
}

/// Puts a value where none is alive or, if one is expected, where that is, and gives the value that is
/// there instead; `None` means that others were writing, and that it must be tried again.
///
/// It waits for transactions that are about to put or replace the value. The value that is there is
/// read as of now at READ COMMITTED; at higher levels, as of the transaction's first read.
pub(crate) async fn put(
    connection: &mut MySqlConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: Option<&[u8]>,
) -> Result<Option<Swap>, sqlx::Error> {
    let done = match expected {
        None => match create(connection, key, value, life).await? {
            Created::Put => true,
            Created::Stayed(Some(there)) => return Ok(Some(Swap::Differs(Some(there.into())))),
            Created::Stayed(None) => false,
        },
        Some(expected) => replace(connection, key, value, life, expected).await?,
    };
    if done {
        return Ok(Some(Swap::Done));
    }
    let there = read(connection, key).await?.map(|entry| entry.value);
    Ok(match (there, expected) {
        // Another client dropped the value that was there, or put the expected one back.
        (None, None) => None,
        (Some(there), Some(expected)) if there == expected => None,
        (there, _) => Some(Swap::Differs(there)),
    })
}

/// The fate of a value that was to be put.
enum Created {
    Put,
    /// Another one stayed: this, where the server tells it.
    Stayed(Option<Vec<u8>>),
}

async fn create(
    connection: &mut MySqlConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
) -> Result<Created, sqlx::Error> {
    let summary = Summary::of(value);
    // Not the one that an earlier statement left.
    let stayed = rand::random::<u64>() >> 1 | 1;
    let query = sqlx::query(CREATE)
        .bind(key.as_bytes().as_slice())
        .bind(value)
        .bind(life_millis(life))
        .bind(summary.operation)
        .bind(summary.label)
        .bind(summary.state)
        .bind(stayed);
    let mut answers = connection.fetch_many(query);
    let mut created = Created::Put;
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) if row.try_get::<u64, _>(1)? == stayed => {
                created = Created::Stayed(Some(row.try_get(0)?));
            }
            // The only word of a server that returns no row.
            Either::Left(done)
                if done.last_insert_id() == stayed && matches!(created, Created::Put) =>
            {
                created = Created::Stayed(None);
            }
            Either::Left(_) | Either::Right(_) => {}
        }
    }
    Ok(created)
}

async fn replace(
    connection: &mut MySqlConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: &[u8],
) -> Result<bool, sqlx::Error> {
    let swap = bind_swap(sqlx::query(SWAP), key, value, life, expected);
    // The server counts the rows it found, as sqlx asks it to.
    Ok(swap.execute(connection).await?.rows_affected() == 1)
}

/// Replaces the value that is expected, and carries out these statements, which end its transaction; false, and
/// nothing of them is done, where it is not there.
///
/// One statement of `MariaDB` (`MySQL` has none like it), whose values are bound.
pub(crate) async fn replace_and_end(
    connection: &mut MySqlConnection,
    key: &StorageKey,
    value: &[u8],
    life: Duration,
    expected: &[u8],
    end: &str,
) -> Result<bool, sqlx::Error> {
    let all = format!(
        "BEGIN NOT ATOMIC {SWAP}; IF ROW_COUNT() <> 1 THEN SIGNAL SQLSTATE '{GONE}'; END IF; {end}; END"
    );
    let all = bind_swap(sqlx::query(AssertSqlSafe(all)), key, value, life, expected);
    match all.execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(GONE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A state of our own.
const GONE: &str = "IDEM1";

fn bind_swap<'q>(
    query: Query<'q, MySql, MySqlArguments>,
    key: &'q StorageKey,
    value: &'q [u8],
    life: Duration,
    expected: &'q [u8],
) -> Query<'q, MySql, MySqlArguments> {
    let summary = Summary::of(value);
    query
        .bind(value)
        .bind(life_millis(life))
        .bind(summary.operation)
        .bind(summary.label)
        .bind(summary.state)
        .bind(key.as_bytes().as_slice())
        .bind(expected)
}

impl KeyOrder for MySqlConnection {
    async fn nth_key(&mut self, after: &[u8], nth: u32) -> Result<Option<Vec<u8>>, sqlx::Error> {
        sqlx::query_scalar(NTH_KEY).bind(after).bind(nth).fetch_optional(self).await
    }

    async fn rows(&mut self, range: &KeyRange<'_>) -> Result<Vec<LiveRow>, sqlx::Error> {
        let query = sqlx::query_as(PAGE)
            .bind(range.after.as_slice())
            .bind(range.until)
            .bind(range.filter.operation.as_deref())
            .bind(range.filter.state)
            .bind(range.limit);
        query.fetch_all(self).await
    }
}

/// Drops at most `limit` values whose life is over, and says how many.
pub(crate) async fn purge(
    connection: &mut MySqlConnection,
    limit: u32,
) -> Result<u32, sqlx::Error> {
    let over = sqlx::query_scalar(OVER).bind(limit.min(BATCH));
    let over: Vec<Vec<u8>> = over.fetch_all(&mut *connection).await?;
    if over.is_empty() {
        return Ok(0);
    }
    // As a text: the client closes a prepared statement without an answer, and what it sends next then waits for the
    // server's delayed acknowledgement.
    let keys: Vec<_> = over.iter().map(|key| format!("x'{}'", hex(key))).collect();
    let purge = format!(
        concat!("DELETE FROM idempotency_records WHERE `key` IN ({}) AND ends <= ", now!()),
        keys.join(", ")
    );
    let purged = sqlx::raw_sql(AssertSqlSafe(purge)).execute(connection).await?;
    Ok(u32::try_from(purged.rows_affected()).unwrap_or(limit))
}
