//! From a key to a claim request: the one step in which the strategies of the store differ.
//!
//! `token`, `task`, `lock`, `cache` and `message` build on `settings`, which is the whole of `request_id`; `target`
//! finds what all of them put down.

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
