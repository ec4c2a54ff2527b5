//! The connections that read, and the queue before them.
//!
//! Each statement crosses to the thread of its connection and back. So reads that came while every connection was at
//! work share one statement.

use crate::clock::Clock;
use crate::key::StorageKey;
use crate::store::contract::{Entry, Page};
use crate::store::sql::pages::TablePage;
use crate::store::sql::sqlite::file::OpenedFile;
use crate::store::sql::sqlite::rows::{TableAt, column_millis, read_several};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::fmt;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many connections read, beside the one that writes, where nobody says otherwise; WAL lets them read while
/// it writes.
pub(super) const READERS: u32 = 4;

/// How many reads may wait for a connection.
pub(super) const QUEUE: usize = 256;

/// How many keys one statement reads at most.
const TOGETHER: usize = 16;

/// The channel to a caller that waits.
type ReadAnswer<T> = oneshot::Sender<Result<T, Arc<sqlx::Error>>>;

/// A read, and its caller.
#[derive(Debug)]
pub(super) enum QueuedRead {
    Row(StorageKey, ReadAnswer<Option<Entry>>),
    Page(TablePage, ReadAnswer<Page>),
}

/// The connections that read.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
    clock: Arc<dyn Clock>,
    file: Arc<OpenedFile>,
}

impl Readers {
    /// So many connections to this file, which are opened when they are needed.
    pub(super) fn of(
        options: &SqliteConnectOptions,
        connections: u32,
        clock: Arc<dyn Clock>,
        file: Arc<OpenedFile>,
    ) -> Self {
        let options = options.clone().create_if_missing(false).read_only(true);
        let permits = Arc::new(Semaphore::new(connections.max(1) as usize));
        Self { options, permits, idle: Mutex::default(), clock, file }
    }

    /// Reads until the last sender is gone.
    pub(super) async fn read_all(self, mut queue: mpsc::Receiver<QueuedRead>) {
        let readers = Arc::new(self);
        let mut reads = Vec::new();
        while queue.recv_many(&mut reads, TOGETHER).await > 0 {
            let permit = Arc::clone(&readers.permits).acquire_owned().await;
            while reads.len() < TOGETHER
                && let Ok(read) = queue.try_recv()
            {
                reads.push(read);
            }
            let (readers, reads) = (Arc::clone(&readers), take(&mut reads));
            tokio::spawn(async move {
                readers.answer(reads).await;
                drop(permit);
            });
        }
    }

    async fn answer(&self, reads: Vec<QueuedRead>) {
        let (mut keys, mut rows, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        for read in reads {
            match read {
                QueuedRead::Row(key, answer) if !answer.is_closed() => {
                    keys.push(key);
                    rows.push(answer);
                }
                QueuedRead::Page(page, answer) => pages.push((page, answer)),
                QueuedRead::Row(..) => {}
            }
        }
        match self.rows(&keys).await {
            Ok(there) => {
                for (answer, there) in rows.into_iter().zip(there) {
                    drop(answer.send(Ok(there)));
                }
            }
            // What is wrong with one row is nothing to the others.
            Err(_) if keys.len() > 1 => {
                for (answer, key) in rows.into_iter().zip(keys) {
                    let there = self.rows(&[key]).await.map(|mut there| there.pop().flatten());
                    drop(answer.send(there.map_err(Arc::new)));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in rows {
                    drop(answer.send(Err(Arc::clone(&error))));
                }
            }
        }
        for (page, answer) in pages {
            drop(answer.send(self.page(page).await.map_err(Arc::new)));
        }
    }

    /// The values that are alive under these keys.
    async fn rows(&self, keys: &[StorageKey]) -> Result<Vec<Option<Entry>>, sqlx::Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (mut connection, now) = (self.connection().await?, self.now());
        let there = read_several(&mut connection, keys, now).await?;
        self.idle().push(connection);
        Ok(there)
    }

    async fn page(&self, page: TablePage) -> Result<Page, sqlx::Error> {
        let (mut connection, now) = (self.connection().await?, self.now());
        let there = page.of(&mut TableAt { connection: &mut connection, now }).await?;
        self.idle().push(connection);
        Ok(there)
    }

    /// The connection used last, or a new one; not given back, it is closed.
    async fn connection(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.file.check()?;
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.options.connect().await,
        }
    }

    fn now(&self) -> i64 {
        column_millis(self.clock.wall())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("file", &self.file).finish_non_exhaustive()
    }
}
