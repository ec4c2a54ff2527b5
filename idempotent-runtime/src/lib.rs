//! Makes a handler safe to retry.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod engine;
mod error;
mod fingerprint;
mod key;
pub mod observe;
pub mod outcome;
pub mod policy;
pub mod store;

pub use error::{StoreError, StoreErrorKind};
pub use fingerprint::Fingerprint;
pub use key::{Address, Segments, StorageKey};
pub use store::{MemoryStore, Store};
#[cfg(feature = "redis")]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
