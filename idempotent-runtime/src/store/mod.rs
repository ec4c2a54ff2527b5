//! Where records live: the contract, and the stores that keep it.
//!
//! A store is a register with expiry: it puts a value where none is, exchanges a value for
//! another if it is still the expected one, and reads. It knows nothing of leases, owners or
//! tokens; the engine builds all of those on these operations, once for every backend.

mod answer;
pub(crate) mod cursor;
mod finding;
mod locks;
pub mod record;

pub(crate) mod checksum;
#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;
mod open;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql", feature = "zookeeper"))]
mod own_thread;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) mod sql;
#[cfg(feature = "zookeeper")]
mod zookeeper;

pub use answer::StoreFuture;
pub use finding::{Finding, Severity};
pub use locks::{LeaseStatus, LockHandle, LockRequest, Locks};
pub use memory::MemoryStore;
pub use open::open;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "mysql")]
pub use sql::MySqlStore;
#[cfg(feature = "postgres")]
pub use sql::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sql::SqliteStore;
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperLocks;

use crate::key::StorageKey;
use bytes::Bytes;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Done when a value that is watched may have changed.
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A value that is alive, and for how much longer by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bytes, exactly as they were put.
    pub value: Bytes,
    /// How long until the store forgets it.
    pub left: Duration,
}

/// What became of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The expected value was there and is replaced.
    Done,
    /// Something else is there, or nothing; nothing was changed.
    Differs(Option<Bytes>),
}

/// A place for records: Redis, a database, memory, or your own.
///
/// # The contract
/// - Every operation is one atomic step. Two `create`s, two `swap`s with one expected value, or a
///   `create` and a `swap` of one key never both succeed.
/// - Values are bytes, up to several megabytes, and come back exactly as they were put.
/// - A value whose life is over does not exist: `create` puts over it, `swap` and `read` do not
///   see it. Life is counted by the backend's own clock, to the millisecond, and a value is never
///   dropped before it is over, whatever the pressure: refuse new values instead
///   ([`StoreErrorKind::Rejected`](crate::StoreErrorKind)).
/// - What was acknowledged survives what the backend promises to survive.
/// - An error means the backend did not answer or answered nonsense. After an error the operation
///   may or may not have happened; each can be sent again without harm.
/// - An operation that hangs is an error: the engine gives every call a deadline, and a dropped
///   future must leave the store usable.
///
/// The functions of `store::conformance` (feature `conformance`) check of this what can be seen while a
/// backend runs: not what survives it, and not what it does under pressure.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Puts a value where none is; otherwise gives what is there and changes nothing.
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces `expected` by `value` with a new life, if it is what is there, byte for byte.
    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap>;

    /// Gives what is there and how long it has left, as of one moment.
    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>>;

    /// Watches a key, where the backend can tell of changes: from when the outer future answers, the
    /// inner one is done soon after the value changed.
    ///
    /// Those who wait for a key look at it when they are told, and now and then beside, so what is
    /// told late, twice or never costs time and no more. Asked once in each process, whatever the
    /// number of those who wait.
    ///
    /// Defaults to a backend that cannot tell.
    fn watch<'a>(&'a self, _key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    /// Drops at most `limit` values whose life is over, and says how many.
    ///
    /// For backends that do not forget by themselves; the others answer 0. One call must not
    /// keep other operations waiting for long.
    fn purge(&self, limit: u32) -> StoreFuture<'_, u32>;

    /// The backend and its address without credentials, for people.
    fn describe(&self) -> String;

    /// What in the backend's settings breaks or weakens this contract, as of the connection.
    ///
    /// Defaults to nothing.
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        (**self).create(key, value, life)
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        (**self).swap(key, expected, value, life)
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        (**self).read(key)
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        (**self).watch(key)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        (**self).purge(limit)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn findings(&self) -> Vec<Finding> {
        (**self).findings()
    }
}
