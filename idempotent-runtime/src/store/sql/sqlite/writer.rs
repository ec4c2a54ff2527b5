//! The one connection that writes, and the queue before it.
//!
//! `SQLite` has one writer at a time, and each commit waits for the disk. Whatever came while one
//! commit was under way goes into the next together: one wait for all of them.

use crate::clock::{Clock, millis};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::record::Glance;
use crate::store::sql::failed;
use crate::store::sql::sqlite::look;
use bytes::Bytes;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many writes may wait for the connection, and go into one commit.
pub(super) const QUEUE: usize = 256;

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

const PURGE: &str = "\
DELETE FROM idempotency_records WHERE key IN
    (SELECT key FROM idempotency_records WHERE ends_ms <= ?1 LIMIT ?2)";

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
            Self::Purge(limit) => {
                let purge = sqlx::query(PURGE).bind(now).bind(limit);
                Ok(Written::Purged(purge.execute(connection).await?.rows_affected()))
            }
        }
    }
}

async fn put(
    connection: &mut SqliteConnection,
    key: &StorageKey,
    value: &[u8],
    ends: i64,
    now: i64,
    expected: Option<&[u8]>,
) -> Result<bool, sqlx::Error> {
    let glance = Glance::at(value);
    let query = sqlx::query(if expected.is_some() { SWAP } else { CREATE })
        .bind(key.as_bytes().as_slice())
        .bind(value)
        .bind(ends)
        .bind(glance.operation)
        .bind(glance.label)
        .bind(glance.state)
        .bind(now);
    let query = match expected {
        Some(expected) => query.bind(expected),
        None => query,
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}

/// Milliseconds as `SQLite` holds them; what does not fit is the largest.
pub(super) fn stored(duration: Duration) -> i64 {
    i64::try_from(millis(duration)).unwrap_or(i64::MAX)
}
