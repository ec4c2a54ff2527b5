//! Stores of records: the contract of a store, and the stores that keep it.
//!
//! - [`Store`] is the contract. [`open`] opens one of the stores of this crate by its URL. The example
//!   `custom_store` is a store of your own, and `conformance` (feature `conformance`) tests such a store.
//! - [`Locks`] is the contract of a place that keeps only locks.
//! - [`Finding`]s name settings of a backend that break or weaken a contract.

// The rooms of this folder, from the top. Each imports only rooms below it, and names the file that
// defines an item, never this one. The backends do not import each other.
mod open;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "testing")]
pub(crate) mod faulty;
mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub(crate) mod sql;
#[cfg(feature = "zookeeper")]
mod zookeeper;

#[cfg(any(feature = "redis", feature = "postgres", feature = "mysql"))]
mod doctor;
#[cfg(any(feature = "redis", feature = "postgres", feature = "mysql"))]
mod life;
mod metered;
pub(crate) mod own_thread;

#[doc(hidden)]
pub mod record;

#[cfg(any(feature = "redis", feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod patience;
#[cfg(any(feature = "redis", feature = "amqp", feature = "postgres", feature = "mysql"))]
pub(crate) mod tls;
pub(crate) mod trial;

mod contract;
mod locks;

mod browse;
mod finding;
mod future;
mod label;

pub(crate) mod bytes;

pub use crate::error::{StoreError, StoreErrorKind};
pub use browse::{Cursor, PageFilter, PageRequest};
pub use contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
pub use finding::{Finding, Severity};
pub use future::StoreFuture;
pub use label::Label;
pub use locks::{LeaseStatus, LockHandle, LockRequest, Locks};
pub use memory::MemoryStore;
pub(crate) use metered::metered;
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
