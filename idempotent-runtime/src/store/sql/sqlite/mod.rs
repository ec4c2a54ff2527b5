//! Records in an `SQLite` file: embedded, durable, shared by the processes of one host.

pub(crate) mod rows;
mod writer;

use crate::clock::{Clock, SystemClock};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::sql::failed;
use crate::store::{Entry, Store, StoreFuture, Swap};
use bytes::Bytes;
use rows::{SCHEMA, look, stored};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use writer::{Order, Write, Written};

/// How long a write waits for another process's; below the engine's patience with the store.
const BUSY: Duration = Duration::from_millis(1500);

/// Readers beside the one writer; WAL lets them read while it writes.
const READERS: u32 = 4;

/// Keeps records in an `SQLite` file.
///
/// Every write is on disk before it is acknowledged (WAL, `synchronous = FULL`): records survive
/// `kill -9` and loss of power. Writes that come at once share one wait for the disk. Processes of
/// one host may share the file. Time is the host's wall clock: setting it forward ends leases early.
///
/// The table `idempotency_records` shows `operation`, `label` and `state` to people.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writes: mpsc::Sender<Order>,
    readers: SqlitePool,
    /// Of the store's own thread: a connection must not be stuck in a worker that somebody blocks.
    own: Handle,
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
        let no_thread =
            |error| StoreError::new(StoreErrorKind::Unavailable, "connect").because(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let own = runtime.handle().clone();
        let path = path.as_ref().to_path_buf();
        let (opened, opening) = oneshot::channel();
        let thread = thread::Builder::new().name("idempotency-sqlite".to_owned());
        thread
            .spawn(move || {
                runtime.block_on(async {
                    match connect(&path).await {
                        Ok((connection, readers)) => {
                            let (writes, queue) = mpsc::channel(writer::QUEUE);
                            let writing = writer::write(connection, queue, Arc::clone(&clock));
                            drop(opened.send(Ok(Self { writes, readers, own, clock, path })));
                            // Until the last clone of the store is gone.
                            writing.await;
                        }
                        Err(error) => drop(opened.send(Err(failed("connect", error)))),
                    }
                });
            })
            .map_err(no_thread)?;
        opening.await.map_err(|_| gone("connect"))?
    }

    async fn look(
        &self,
        key: StorageKey,
        operation: &'static str,
    ) -> Result<Option<Entry>, StoreError> {
        let (readers, now) = (self.readers.clone(), stored(self.clock.wall()));
        let looked = self.own.spawn(async move { look(&readers, &key, now).await });
        let looked = looked.await.map_err(|_| gone(operation))?;
        looked.map_err(|error| failed(operation, error))
    }

    async fn write(&self, write: Write, operation: &'static str) -> Result<Written, StoreError> {
        let (answer, written) = oneshot::channel();
        self.writes.send(Order { write, answer }).await.map_err(|_| gone(operation))?;
        written.await.map_err(|_| gone(operation))?
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
            // A replay is answered by a reader and never queues behind the writer.
            if let Some(there) = self.look(*key, "create").await? {
                return Ok(Some(there.value));
            }
            let put = Write::Put { key: *key, value, life, expected: None };
            match self.write(put, "create").await? {
                Written::Differs(there) => Ok(there),
                Written::Done | Written::Purged(_) => Ok(None),
            }
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
            let put = Write::Put { key: *key, value, life, expected: Some(expected) };
            match self.write(put, "swap").await? {
                Written::Differs(there) => Ok(Swap::Differs(there)),
                Written::Done | Written::Purged(_) => Ok(Swap::Done),
            }
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        Box::pin(self.look(*key, "read"))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        Box::pin(async move {
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

async fn connect(path: &Path) -> Result<(SqliteConnection, SqlitePool), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY);
    let mut writer = options.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(BUSY)
        // Opening is cheap and cannot break: nothing to gain from closing or testing.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await?;
    Ok((writer, readers))
}

/// The store's thread has ended, which it does only by a panic while the store is in use.
fn gone(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation).because("the store's thread has ended")
}
