//! The promises of a store in statements by hand: a claim is one atomic statement and ends with its lease, and only
//! its owner's bytes are exchanged for an answer, while they live. What is over can be found by an index.

use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The statement that a request begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum First {
    /// The claim; one that finds another looks at it.
    Claim,
    /// A look, which answers a replay; what finds nothing claims.
    Look,
}

/// A table of records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Its columns beside the key and the value, where it has some.
    pub(crate) columns: &'static str,
}

/// A key and its value.
pub(crate) type Record = (StorageKey, Bytes);

/// Records by hand.
pub(crate) trait Hand: Send + Sync + Sized + 'static {
    /// The table of the store, and that of the hand.
    const TABLES: [Table; 2];

    /// The orders to compare.
    const ORDERS: &'static [(First, &'static str)] =
        &[(First::Claim, "claims first"), (First::Look, "looks first")];

    fn open(url: &str) -> impl Future<Output = Self> + Send;

    /// Claims a key, and gives what is there instead.
    fn claim(
        &self,
        first: First,
        key: StorageKey,
        claim: &[u8],
    ) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// Exchanges the claim for an answer.
    fn complete(
        &self,
        key: StorageKey,
        claim: &[u8],
        answer: &[u8],
    ) -> impl Future<Output = ()> + Send;

    /// Puts these records, which are as the one of this key but for their values.
    fn copy(
        &self,
        table: Table,
        of: StorageKey,
        records: &[Record],
    ) -> impl Future<Output = ()> + Send;

    /// Has the database look at its tables, once they are full.
    fn settle(&self) -> impl Future<Output = ()> + Send;
}

/// Some connections, the one that was used last first.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    free: Semaphore,
    idle: Mutex<Vec<C>>,
}

/// A connection for one statement or two.
#[derive(Debug)]
pub(crate) struct Lent<'p, C> {
    pool: &'p Pool<C>,
    connection: Option<C>,
    _permit: SemaphorePermit<'p>,
}

impl<C> Pool<C> {
    pub(crate) fn of(connections: Vec<C>) -> Self {
        Self { free: Semaphore::new(connections.len()), idle: Mutex::new(connections) }
    }

    pub(crate) async fn lend(&self) -> Lent<'_, C> {
        let permit = self.free.acquire().await.expect("it stays open");
        let connection = self.idle.lock().expect("no panic").pop();
        Lent { pool: self, connection, _permit: permit }
    }
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        self.pool.idle.lock().expect("no panic").extend(self.connection.take());
    }
}

impl<C> Deref for Lent<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl<C> DerefMut for Lent<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("it is there until it is dropped")
    }
}

/// Connections of one kind in a pool.
pub(crate) const CONNECTIONS: usize = 8;

pub(crate) fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).expect("not so long")
}
