//! Makes a claim request of a key: the only step in which the strategies of the store differ.
//!
//! `token`, `task`, `lock`, `cache` and `message` build on `settings`, and `request_id` needs nothing else.
//! `target` finds the records of all of them.

#[cfg(feature = "actix")]
pub(crate) mod cache;
#[cfg(feature = "actix")]
pub(crate) mod lock;
pub(crate) mod message;
mod settings;
mod target;
#[cfg(feature = "actix")]
pub(crate) mod task;
#[cfg(feature = "actix")]
pub(crate) mod token;

#[cfg(feature = "actix")]
pub use lock::{Lock, LockError, LockGuard};
pub(crate) use settings::Settings;
#[cfg(feature = "actix")]
pub(crate) use settings::TokenSecrets;
#[cfg(feature = "actix")]
pub(crate) use settings::{RequestIdentity, by_route};
pub use target::{Target, TargetError};
