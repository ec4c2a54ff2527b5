//! The one connection that writes, and the queue before it.
//!
//! `SQLite` has one writer at a time, and each commit waits for the disk. All writes that came while
//! one commit was under way go into the next: one wait for all of them.

use crate::clock::Clock;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::patience::MorePatience;
use crate::store::sql::errors::failed;
use crate::store::sql::sqlite::file::OpenedFile;
use crate::store::sql::sqlite::rows::{SCHEMA, column_millis, purge, put, read};
use bytes::Bytes;
use futures_util::FutureExt;
use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many writes may wait for the connection, and go into one commit.
pub(super) const QUEUE: usize = 256;

/// How long a write waits for the write of another process; below the engine's usual patience.
pub(super) const BUSY: Duration = Duration::from_millis(1500);

/// The number of writes in a row that find no room before the others are not tried: the first may only have been large.
const NO_ROOM: usize = 4;

/// A write, and the channel to the caller that waits for it.
#[derive(Debug)]
pub(super) struct QueuedWrite {
    pub(super) write: Write,
    pub(super) answer: oneshot::Sender<Result<Written, StoreError>>,
}

#[derive(Debug)]
pub(super) enum Write {
    /// Puts a value where none is, or where the expected one is.
    Put { key: StorageKey, value: Bytes, life: Duration, expected: Option<Bytes> },
    /// Drops at most this many values whose life is over.
    Purge(u32),
}

/// The result of a write.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// Another value is there, or none.
    Differs(Option<Bytes>),
    /// This many were dropped.
    Purged(u64),
}

/// The connection that writes, and the settings to open the next when that one failed.
#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    more: MorePatience,
    /// The part of it that the connection was told.
    told: Duration,
}

/// Why writes were not committed.
struct Uncommitted {
    error: Arc<sqlx::Error>,
    fault: Fault,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// None of the writes was tried.
    OfTheDatabase,
    /// One of them may have failed, or all of them together.
    OfTheWrites,
}

impl Writer {
    /// Opens the file, creating it and its table where they are missing.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        more: MorePatience,
    ) -> Result<Self, sqlx::Error> {
        let connection = Some(connect(&options).await?);
        // A file that goes is not made anew: what it remembered is gone.
        let options = options.create_if_missing(false);
        Ok(Self { options, connection, more, told: Duration::ZERO })
    }

    /// Writes until the last sender is gone.
    pub(super) async fn write_all(
        mut self,
        mut queue: mpsc::Receiver<QueuedWrite>,
        clock: Arc<dyn Clock>,
        file: Arc<OpenedFile>,
    ) {
        let mut writes = Vec::with_capacity(QUEUE);
        while queue.recv_many(&mut writes, QUEUE).await > 0 {
            // A caller that stopped waiting was told that the write may or may not have happened. Where it
            // exchanges it may end a run or give a key back, which somebody still waits for.
            writes.retain(|queued| queued.write.is_exchange() || !queued.answer.is_closed());
            let answered = async {
                let now = column_millis(clock.wall());
                match file.check() {
                    Ok(()) => self.answer(&mut writes, now).await,
                    Err(gone) => refuse(&mut writes, &Arc::new(sqlx::Error::Io(gone))),
                }
            };
            if AssertUnwindSafe(answered).catch_unwind().await.is_err() {
                tracing::error!("the writer of SQLite panicked, and goes on");
                // Their callers are told. What a connection was doing is taken back: it is gone.
                writes.clear();
            }
        }
        if let Some(connection) = self.connection {
            drop(connection.close().await);
        }
    }

    /// Commits all together, or each alone, so that one that fails leaves the others alone.
    async fn answer(&mut self, writes: &mut Vec<QueuedWrite>, now: i64) {
        let mut together = writes.len();
        let mut without_room = 0;
        while !writes.is_empty() {
            match self.commit(&writes[..together], now).await {
                Ok(written) => {
                    without_room = 0;
                    for (queued, written) in writes.drain(..together).zip(written) {
                        drop(queued.answer.send(Ok(written)));
                    }
                }
                Err(Uncommitted { fault: Fault::OfTheWrites, .. }) if together > 1 => together = 1,
                Err(Uncommitted { error, fault }) => {
                    without_room += usize::from(is_without_room(&error));
                    let failed_ones = match fault {
                        Fault::OfTheWrites if without_room < NO_ROOM => together,
                        // It keeps each of the others waiting just as long.
                        Fault::OfTheWrites | Fault::OfTheDatabase => writes.len(),
                    };
                    refuse(&mut writes.drain(..failed_ones).collect(), &error);
                }
            }
        }
    }

    /// Commits writes in one transaction, at one moment: a later write sees the earlier ones.
    async fn commit(
        &mut self,
        writes: &[QueuedWrite],
        now: i64,
    ) -> Result<Vec<Written>, Uncommitted> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.told = Duration::ZERO;
            let opened = connect(&self.options).await;
            opened.map_err(|error| Fault::OfTheDatabase.with(error))?
        };
        let more = self.more.more();
        if more > self.told {
            let told = wait_longer(&mut connection, more).await;
            told.map_err(|error| Fault::OfTheDatabase.with(error))?;
            self.told = more;
        }
        let committed = commit_on(&mut connection, writes, now).await;
        match &committed {
            // After other errors the database may have ended the transaction by itself, of which sqlx does
            // not hear: then no other would ever begin on this connection.
            Err(uncommitted) if !uncommitted.is_busy() => drop(connection.close().await),
            _ => self.connection = Some(connection),
        }
        committed
    }
}

/// Whether the file takes nothing more, or cannot be written at all (`SQLITE_FULL`, `SQLITE_IOERR`).
fn is_without_room(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    // An extended code has the primary one in its lowest byte.
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 10 | 13))
}

fn refuse(writes: &mut Vec<QueuedWrite>, error: &Arc<sqlx::Error>) {
    for queued in writes.drain(..) {
        let operation = queued.write.operation();
        drop(queued.answer.send(Err(failed(operation, Arc::clone(error)))));
    }
}

/// Waits so much longer than usual for the write of another process.
async fn wait_longer(connection: &mut SqliteConnection, more: Duration) -> Result<(), sqlx::Error> {
    let busy = BUSY.saturating_add(more).as_millis().min(i32::MAX as u128);
    let busy = AssertSqlSafe(format!("PRAGMA busy_timeout = {busy}"));
    sqlx::raw_sql(busy).execute(connection).await.map(drop)
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    Ok(connection)
}

async fn commit_on(
    connection: &mut SqliteConnection,
    writes: &[QueuedWrite],
    now: i64,
) -> Result<Vec<Written>, Uncommitted> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(|error| Fault::OfTheDatabase.with(error))?;
    match carry_out(&mut transaction, writes, now).await {
        Ok(written) => {
            transaction.commit().await.map_err(|error| Fault::OfTheWrites.with(error))?;
            Ok(written)
        }
        Err(error) => {
            drop(transaction.rollback().await);
            Err(Fault::OfTheWrites.with(error))
        }
    }
}

async fn carry_out(
    connection: &mut SqliteConnection,
    writes: &[QueuedWrite],
    now: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    let mut written = Vec::with_capacity(writes.len());
    for queued in writes {
        written.push(queued.write.carry_out(connection, now).await?);
    }
    Ok(written)
}

impl Uncommitted {
    /// Others write for too long: nothing began.
    fn is_busy(&self) -> bool {
        let kind = failed("write", Arc::clone(&self.error)).kind();
        self.fault == Fault::OfTheDatabase && kind == StoreErrorKind::Busy
    }
}

impl Fault {
    fn with(self, error: sqlx::Error) -> Uncommitted {
        Uncommitted { error: Arc::new(error), fault: self }
    }
}

impl Write {
    const fn is_exchange(&self) -> bool {
        matches!(self, Self::Put { expected: Some(_), .. })
    }

    const fn operation(&self) -> &'static str {
        match self {
            Self::Put { expected: None, .. } => "create",
            Self::Put { expected: Some(_), .. } => "swap",
            Self::Purge(_) => "purge",
        }
    }

    async fn carry_out(
        &self,
        connection: &mut SqliteConnection,
        now: i64,
    ) -> Result<Written, sqlx::Error> {
        match self {
            Self::Put { key, value, life, expected } => {
                let ends = now.saturating_add(column_millis(*life));
                if put(connection, key, value, ends, now, expected.as_deref()).await? {
                    return Ok(Written::Done);
                }
                let there = read(connection, key, now).await?;
                Ok(Written::Differs(there.map(|entry| entry.value)))
            }
            Self::Purge(limit) => Ok(Written::Purged(purge(connection, *limit, now).await?)),
        }
    }
}
