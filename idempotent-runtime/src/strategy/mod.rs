//! From a key to a claim request: the one step in which the strategies of the store differ.
//!
//! Files import downwards: `claim_request` chooses among `token`, `task` and `lock`; all build on
//! `settings`, which is the whole of `request_id`.

#[cfg(feature = "actix")]
pub(crate) mod cache;
#[cfg(feature = "actix")]
mod claim_request;
#[cfg(feature = "actix")]
mod lock;
pub(crate) mod message;
mod settings;
#[cfg(feature = "actix")]
pub(crate) mod task;
#[cfg(feature = "actix")]
pub(crate) mod token;

#[cfg(feature = "actix")]
pub(crate) use claim_request::claim_request;
#[cfg(feature = "actix")]
pub use lock::{Lock, LockError, LockGuard};
#[cfg(feature = "actix")]
pub(crate) use settings::RequestIdentity;
pub(crate) use settings::Settings;
#[cfg(feature = "actix")]
pub(crate) use settings::TokenSecrets;
