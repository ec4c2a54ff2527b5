//! The one connection that writes, and the queue before it.
//!
//! `SQLite` has one writer at a time, and each commit waits for the disk. All writes that came while
//! one commit was under way go into the next: one wait for all of them.

use crate::clock::Clock;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::sql::errors::failed;
use crate::store::sql::sqlite::rows::{column_millis, purge, put, read};
use bytes::Bytes;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many writes may wait for the connection, and go into one commit.
pub(super) const QUEUE: usize = 256;

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

/// Writes until the last sender is gone.
pub(super) async fn write_all(
    mut connection: SqliteConnection,
    mut queue: mpsc::Receiver<QueuedWrite>,
    clock: Arc<dyn Clock>,
) {
    let mut writes = Vec::with_capacity(QUEUE);
    while queue.recv_many(&mut writes, QUEUE).await > 0 {
        // A caller that stopped waiting was told that the write may or may not have happened. Where it
        // exchanges it may end a run or give a key back, which somebody still waits for.
        writes.retain(|queued| queued.write.is_exchange() || !queued.answer.is_closed());
        match commit(&mut connection, &writes, column_millis(clock.wall())).await {
            Ok(written) => {
                for (queued, written) in writes.drain(..).zip(written) {
                    drop(queued.answer.send(Ok(written)));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for queued in writes.drain(..) {
                    let operation = queued.write.operation();
                    drop(queued.answer.send(Err(failed(operation, Arc::clone(&error)))));
                }
            }
        }
    }
    drop(connection.close().await);
}

/// Commits all in one transaction, at one moment: a later write sees the earlier ones.
async fn commit(
    connection: &mut SqliteConnection,
    writes: &[QueuedWrite],
    now: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut written = Vec::with_capacity(writes.len());
    for queued in writes {
        written.push(queued.write.carry_out(&mut transaction, now).await?);
    }
    transaction.commit().await?;
    Ok(written)
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
