//! Makes a handler safe to retry.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod engine;
mod error;
mod fingerprint;
#[cfg(feature = "actix")]
mod http;
mod key;
pub mod observe;
pub mod outcome;
pub mod policy;
#[cfg(feature = "actix")]
#[doc(hidden)]
pub mod private;
pub mod store;
#[cfg(feature = "actix")]
mod strategy;

pub use error::{StoreError, StoreErrorKind};
pub use fingerprint::Fingerprint;
#[cfg(feature = "actix")]
pub use http::{
    Attempt, BuildError, Builder, Idempotency, KeyForm, NoScope, Problem, ProblemKind, Scope,
    StoreResponse, TokenIssuer, issue_token,
};
#[cfg(feature = "macros")]
pub use idempotent_macros::idempotent;
pub use key::{Address, Segments, StorageKey};
#[cfg(feature = "redis")]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{MemoryStore, Store};
#[cfg(feature = "actix")]
pub use strategy::{Lock, LockError, LockGuard};
