//! Records in an `SQLite` file: embedded, durable, shared by the processes of one host.

mod file;
mod reader;
pub(crate) mod rows;
mod writer;

use crate::clock::{Clock, SystemClock};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::own_thread::{OwnThread, not_started, thread_ended};
use crate::store::patience::MorePatience;
use crate::store::sql::errors::{failed, table_unfit};
use crate::store::sql::pages::TablePage;
use crate::store::trial::refused_for_good;
use bytes::Bytes;
use file::OpenedFile;
use reader::{QueuedRead, READERS, Readers};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use writer::{BUSY, QueuedWrite, Write, Writer, Written};

/// Keeps records in an `SQLite` file.
///
/// Every write is on disk before it is acknowledged (WAL, `synchronous = FULL`): records survive
/// `kill -9` and loss of power. Concurrent writes share one wait for the disk. Processes of one host
/// may share the file. Time is the host's wall clock: setting it forward ends leases early, and setting it
/// back holds the key of a dead owner for longer. A file that is deleted, moved or replaced under the store is
/// noticed: every operation fails until it is back.
///
/// The table `idempotency_records` shows `operation`, `label` and `state` to people.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writes: mpsc::Sender<QueuedWrite>,
    reads: mpsc::Sender<QueuedRead>,
    options: SqliteConnectOptions,
    thread: OwnThread,
    clock: Arc<dyn Clock>,
    file: Arc<OpenedFile>,
    more: MorePatience,
}

impl SqliteStore {
    /// The SQL that creates the table.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Opens the file that a URL of sqlx names: `sqlite:PATH` or `sqlite://PATH`, percent-encoded, with
    /// `?mode=…` and other parameters. It is created where it is missing, unless `mode` says otherwise.
    ///
    /// # Errors
    /// When the URL names no file, or as for [`open`](Self::open).
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = options_of(url)?;
        Self::connect_with(options).await
    }

    /// Opens a file by settings of the app's own, such as pragmas; journal, `synchronous` and `busy_timeout` are
    /// the store's.
    ///
    /// # Errors
    /// When the settings name no file, or as for [`open`](Self::open).
    pub async fn connect_with(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        Self::open_as(options, Arc::new(SystemClock::new())).await
    }

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
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        Self::open_as(options, clock).await
    }

    async fn open_as(
        options: SqliteConnectOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let path = options.get_filename().to_path_buf();
        let name = path.to_string_lossy();
        // As the client library names those.
        let is_memory = name == ":memory:" || name.starts_with("file:sqlx-in-memory");
        if path.as_os_str().is_empty() || is_memory {
            return Err(no_file());
        }
        let named = |error: StoreError| error.explained(|why| format!("{}: {why}", path.display()));
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let (thread, more) =
            (OwnThread::start("idempotency-sqlite").map_err(not_started)?, MorePatience::default());
        let opening = (options.clone(), more.clone());
        let opened = thread.run("connect", async move { Writer::open(opening.0, opening.1).await });
        let file = opened.await?.map_err(|error| {
            // The index of another table.
            let is_of_sql =
                error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("1");
            let error = failed("connect", error);
            named(if is_of_sql { table_unfit(error, Self::SCHEMA) } else { error })
        })?;
        let unfound =
            |error| named(StoreError::new(StoreErrorKind::Unavailable, "connect").because(error));
        let opened = Arc::new(OpenedFile::of(&path).map_err(unfound)?);
        let (writes, queue) = mpsc::channel(writer::QUEUE);
        thread.keep_running(file.write_all(queue, Arc::clone(&clock), Arc::clone(&opened)));
        let (reads, _) = mpsc::channel(1);
        let store = Self { writes, reads, options, thread, clock, file: opened, more };
        let store = store.readers(READERS);
        let tried = refused_for_good(&store).await;
        tried.map_err(|error| named(table_unfit(error, Self::SCHEMA)))?;
        Ok(store)
    }

    /// Has this many connections that read, beside the one that writes. Defaults to 4.
    #[must_use]
    pub fn readers(self, connections: u32) -> Self {
        let (clock, file) = (Arc::clone(&self.clock), Arc::clone(&self.file));
        let readers = Readers::of(&self.options, connections, clock, file);
        let (reads, queue) = mpsc::channel(reader::QUEUE);
        self.thread.spawn(readers.read_all(queue));
        Self { reads, ..self }
    }

    async fn read_row(
        &self,
        key: StorageKey,
        operation: &'static str,
    ) -> Result<Option<Entry>, StoreError> {
        self.read_by(|answer| QueuedRead::Row(key, answer), operation).await
    }

    async fn read_page(&self, request: &PageRequest) -> Result<Page, StoreError> {
        let asked = TablePage::asked(request)?;
        self.read_by(|answer| QueuedRead::Page(asked, answer), "browse").await
    }

    async fn read_by<T>(
        &self,
        read: impl FnOnce(oneshot::Sender<Result<T, Arc<sqlx::Error>>>) -> QueuedRead,
        operation: &'static str,
    ) -> Result<T, StoreError> {
        let (answer, done) = oneshot::channel();
        self.reads.send(read(answer)).await.map_err(|_| thread_ended(operation))?;
        let done = done.await.map_err(|_| thread_ended(operation))?;
        done.map_err(|error| failed(operation, error))
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
        format!("SQLite file {}", self.file.path().display())
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        Some(StoreFuture::new(self.read_page(request)))
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.more.adopt(settings.patience);
    }
}

/// The settings in a URL, as sqlx reads them; without `mode`, the file is created where it is missing.
fn options_of(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if matches!(path, "sqlite:" | "sqlite://")
        || path.contains(":memory:")
        || query.contains("mode=memory")
    {
        return Err(no_file());
    }
    let options: SqliteConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
    Ok(if query.contains("mode=") { options } else { options.create_if_missing(true) })
}

/// Every connection would have a database of its own.
fn no_file() -> StoreError {
    let why = "records in SQLite need a file: `sqlite:PATH`; `memory:` needs none";
    StoreError::new(StoreErrorKind::Rejected, "connect").because(why)
}
