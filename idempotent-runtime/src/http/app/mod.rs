//! The object that an app is given once, its builder, and the scope of a request.
//!
//! Files import downwards: `builder`, `caller`, `refused`, `idempotency`, `clientless`, `on_begin`, `one_time_tokens`,
//! `rendering`, `on_replay`, `scope`, `scope_id`.

pub(super) mod builder;
pub(super) mod caller;
pub(super) mod clientless;
pub(super) mod idempotency;
pub(super) mod on_begin;
pub(super) mod on_replay;
#[cfg(feature = "inspector")]
pub(super) mod one_time_tokens;
pub(super) mod refused;
pub(super) mod rendering;
pub(super) mod scope;
pub(super) mod scope_id;
