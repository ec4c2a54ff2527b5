//! Records in an `SQLite` file: embedded, durable, shared by the processes of one host.

use crate::clock::{Clock, SystemClock, millis};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::record::Glance;
use crate::store::sql::failed;
use crate::store::{Entry, Store, StoreFuture, Swap};
use bytes::Bytes;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a write waits for another process's; below the engine's patience with the store.
const BUSY: Duration = Duration::from_millis(1500);

/// Readers beside the one writer; WAL lets them read while it writes.
const READERS: u32 = 4;

const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS idempotency_records (
    key       BLOB    NOT NULL PRIMARY KEY,
    value     BLOB    NOT NULL,
    ends_ms   INTEGER NOT NULL,
    operation TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    state     TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idempotency_records_ends_ms ON idempotency_records (ends_ms);";

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

const READ: &str = "\
SELECT value, ends_ms FROM idempotency_records WHERE key = ?1 AND ends_ms > ?2";

const PURGE: &str = "\
DELETE FROM idempotency_records WHERE key IN
    (SELECT key FROM idempotency_records WHERE ends_ms <= ?1 LIMIT ?2)";

/// Keeps records in an `SQLite` file.
///
/// Every write is on disk before it is acknowledged (WAL, `synchronous = FULL`): records survive
/// `kill -9` and loss of power. Processes of one host may share the file. Time is the host's wall
/// clock: setting it forward ends leases early.
///
/// The table `idempotency_records` shows `operation`, `label` and `state` to people.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    /// One connection: `SQLite` has one writer at a time, and a queue in here is fairer than its
    /// busy handler.
    writer: SqlitePool,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the file, creating it and its table where they are missing.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock::new())).await
    }

    /// The same, counting lives by the wall time of this clock.
    ///
    /// # Errors
    /// When the file cannot be opened or is no database.
    pub async fn open_with_clock(
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let opened = async {
            let writer = pool(1).connect_with(options.clone()).await?;
            sqlx::raw_sql(SCHEMA).execute(&writer).await?;
            let readers = pool(READERS).connect_with(options.read_only(true)).await?;
            Ok(Self { writer, readers, clock, path })
        };
        opened.await.map_err(|error| failed("connect", error))
    }

    fn now(&self) -> i64 {
        stored(self.clock.wall())
    }

    async fn look(
        &self,
        pool: &SqlitePool,
        key: &StorageKey,
    ) -> Result<Option<Entry>, sqlx::Error> {
        let now = self.now();
        let row: Option<(Vec<u8>, i64)> = sqlx::query_as(READ)
            .bind(key.as_bytes().as_slice())
            .bind(now)
            .fetch_optional(pool)
            .await?;
        Ok(row.map(|(value, ends)| Entry {
            value: value.into(),
            left: Duration::from_millis(ends.saturating_sub(now).unsigned_abs()),
        }))
    }

    /// Runs `CREATE` or `SWAP`, which bind alike, and says whether it changed the row.
    async fn put(
        &self,
        statement: &'static str,
        key: &StorageKey,
        value: &[u8],
        life: Duration,
        expected: Option<&[u8]>,
    ) -> Result<bool, sqlx::Error> {
        let glance = Glance::at(value);
        let now = self.now();
        let query = sqlx::query(statement)
            .bind(key.as_bytes().as_slice())
            .bind(value)
            .bind(now.saturating_add(stored(life)))
            .bind(glance.operation)
            .bind(glance.label)
            .bind(glance.state)
            .bind(now);
        let query = match expected {
            Some(expected) => query.bind(expected),
            None => query,
        };
        Ok(query.execute(&self.writer).await?.rows_affected() == 1)
    }
}

impl Store for SqliteStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            let done = async {
                // A replay is answered by a reader and never queues behind the writer.
                if let Some(there) = self.look(&self.readers, key).await? {
                    return Ok(Some(there.value));
                }
                while !self.put(CREATE, key, &value, life, None).await? {
                    if let Some(there) = self.look(&self.writer, key).await? {
                        return Ok(Some(there.value));
                    }
                }
                Ok(None)
            };
            done.await.map_err(|error| failed("create", error))
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: Bytes,
        value: Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        Box::pin(async move {
            let done = async {
                if self.put(SWAP, key, &value, life, Some(&expected)).await? {
                    return Ok(Swap::Done);
                }
                let there = self.look(&self.writer, key).await?;
                Ok(Swap::Differs(there.map(|entry| entry.value)))
            };
            done.await.map_err(|error| failed("swap", error))
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        Box::pin(async move {
            self.look(&self.readers, key).await.map_err(|error| failed("read", error))
        })
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        Box::pin(async move {
            let purged = sqlx::query(PURGE)
                .bind(self.now())
                .bind(limit)
                .execute(&self.writer)
                .await
                .map_err(|error| failed("purge", error))?;
            u32::try_from(purged.rows_affected())
                .map_err(|error| StoreError::new(StoreErrorKind::Corrupt, "purge").because(error))
        })
    }

    fn describe(&self) -> String {
        format!("SQLite file {}", self.path.display())
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(BUSY)
        // Opening is cheap and cannot break: nothing to gain from closing or testing.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Milliseconds as `SQLite` holds them; what does not fit is the largest.
fn stored(duration: Duration) -> i64 {
    i64::try_from(millis(duration)).unwrap_or(i64::MAX)
}
