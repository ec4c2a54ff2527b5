//! The one connection that writes, and the queue before it.
//!
//! `SQLite` has one writer at a time, and each commit waits for the disk. Whatever came while one
//! commit was under way goes into the next together: one wait for all of them.

use crate::clock::Clock;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::sql::failed;
use crate::store::sql::sqlite::rows::{look, purge, put, stored};
use bytes::Bytes;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many writes may wait for the connection, and go into one commit.
pub(super) const QUEUE: usize = 256;

/// A write, and who waits for it.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) write: Write,
    pub(super) answer: oneshot::Sender<Result<Written, StoreError>>,
}

#[derive(Debug)]
pub(super) enum Write {
    /// Puts a value where none is, or where the expected one is.
    Put { key: StorageKey, value: Bytes, life: Duration, expected: Option<Bytes> },
    /// Drops at most so many values whose life is over.
    Purge(u32),
}

/// What became of a write.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// Something else is there, or nothing.
    Differs(Option<Bytes>),
    /// So many were dropped.
    Purged(u64),
}

/// Writes until nobody can send any more.
pub(super) async fn write(
    mut connection: SqliteConnection,
    mut queue: mpsc::Receiver<Order>,
    clock: Arc<dyn Clock>,
) {
    let mut orders = Vec::with_capacity(QUEUE);
    while queue.recv_many(&mut orders, QUEUE).await > 0 {
        // Whoever stopped waiting was told that the write may or may not have happened.
        orders.retain(|order| !order.answer.is_closed());
        match commit(&mut connection, &orders, stored(clock.wall())).await {
            Ok(written) => {
                for (order, written) in orders.drain(..).zip(written) {
                    drop(order.answer.send(Ok(written)));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for order in orders.drain(..) {
                    let operation = order.write.operation();
                    drop(order.answer.send(Err(failed(operation, Arc::clone(&error)))));
                }
            }
        }
    }
    drop(connection.close().await);
}

/// All in one transaction, at one moment: a later write sees the earlier ones.
async fn commit(
    connection: &mut SqliteConnection,
    orders: &[Order],
    now: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut written = Vec::with_capacity(orders.len());
    for order in orders {
        written.push(order.write.carry_out(&mut transaction, now).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

impl Write {
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
                let ends = now.saturating_add(stored(*life));
                if put(connection, key, value, ends, now, expected.as_deref()).await? {
                    return Ok(Written::Done);
                }
                let there = look(connection, key, now).await?;
                Ok(Written::Differs(there.map(|entry| entry.value)))
            }
            Self::Purge(limit) => Ok(Written::Purged(purge(connection, *limit, now).await?)),
        }
    }
}
