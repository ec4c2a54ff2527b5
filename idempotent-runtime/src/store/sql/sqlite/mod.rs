//! Records in an `SQLite` file: embedded, durable, shared by the processes of one host.

pub(crate) mod rows;
mod writer;

use crate::clock::{Clock, SystemClock};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::contract::{Entry, Store, Swap};
use crate::store::future::StoreFuture;
use crate::store::own_thread::{OwnThread, not_started, thread_ended};
use crate::store::sql::errors::failed;
use bytes::Bytes;
use rows::column_millis;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use writer::{QueuedWrite, Write, Writer, Written};

/// How long a write waits for the write of another process; below the engine's patience.
const BUSY: Duration = Duration::from_millis(1500);

/// How many connections read, beside the one that writes; WAL lets them read while it writes.
const READERS: u32 = 4;

/// Keeps records in an `SQLite` file.
///
/// Every write is on disk before it is acknowledged (WAL, `synchronous = FULL`): records survive
/// `kill -9` and loss of power. Concurrent writes share one wait for the disk. Processes of one host
/// may share the file. Time is the host's wall clock: setting it forward ends leases early.
///
/// The table `idempotency_records` shows `operation`, `label` and `state` to people.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writes: mpsc::Sender<QueuedWrite>,
    readers: SqlitePool,
    thread: OwnThread,
    clock: Arc<dyn Clock>,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the file, creating it and its table where they are missing.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock::new())).await
    }

    /// The same, counting lives by the wall time of this clock.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no database.
    pub async fn open_with_clock(
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
            // Every connection would have a database of its own.
            let why = "records in SQLite need a file: `sqlite:PATH`; `memory:` needs none";
            return Err(StoreError::new(StoreErrorKind::Rejected, "connect").because(why));
        }
        let thread = OwnThread::start("idempotency-sqlite").map_err(not_started)?;
        let opening = path.clone();
        let opened = thread.run("connect", async move { connect(&opening).await });
        let (file, readers) = opened.await?.map_err(|error| {
            let why = format!("{}: {error}", path.display());
            StoreError::new(failed("connect", error).kind(), "connect").because(why)
        })?;
        let (writes, queue) = mpsc::channel(writer::QUEUE);
        thread.keep_running(file.write_all(queue, Arc::clone(&clock)));
        Ok(Self { writes, readers, thread, clock, path })
    }

    async fn read_row(
        &self,
        key: StorageKey,
        operation: &'static str,
    ) -> Result<Option<Entry>, StoreError> {
        let (readers, now) = (self.readers.clone(), column_millis(self.clock.wall()));
        let read = self.thread.run(operation, async move { rows::read(&readers, &key, now).await });
        read.await?.map_err(|error| failed(operation, error))
    }

    async fn write(&self, write: Write, operation: &'static str) -> Result<Written, StoreError> {
        let (answer, written) = oneshot::channel();
        self.writes
            .send(QueuedWrite { write, answer })
            .await
            .map_err(|_| thread_ended(operation))?;
        written.await.map_err(|_| thread_ended(operation))?
    }
}

impl Store for SqliteStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(async move {
            // A reader answers a replay, so that it never waits for the writer.
            if let Some(there) = self.read_row(*key, "create").await? {
                return Ok(Some(there.value));
            }
            let put = Write::Put { key: *key, value: value.clone(), life, expected: None };
            match self.write(put, "create").await? {
                Written::Differs(there) => Ok(there),
                Written::Done | Written::Purged(_) => Ok(None),
            }
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        StoreFuture::new(async move {
            let (value, expected) = (value.clone(), Some(expected.clone()));
            let put = Write::Put { key: *key, value, life, expected };
            match self.write(put, "swap").await? {
                Written::Differs(there) => Ok(Swap::Differs(there)),
                Written::Done | Written::Purged(_) => Ok(Swap::Done),
            }
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(self.read_row(*key, "read"))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        StoreFuture::new(async move {
            match self.write(Write::Purge(limit), "purge").await? {
                Written::Purged(rows) => Ok(u32::try_from(rows).unwrap_or(limit)),
                Written::Done | Written::Differs(_) => Ok(0),
            }
        })
    }

    fn describe(&self) -> String {
        format!("SQLite file {}", self.path.display())
    }
}

async fn connect(path: &Path) -> Result<(Writer, SqlitePool), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let writer = Writer::open(options.clone()).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(BUSY)
        // A connection to a file is cheap to keep and does not break.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await?;
    Ok((writer, readers))
}
