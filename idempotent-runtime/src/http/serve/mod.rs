//! The drivers: of one guarded handler, and of a whole scope.
//!
//! Files import downwards: `middleware`, `driver`, `existing`, `handler`; `routed`, `guarded_routes`, `spared`;
//! `config`.

pub(super) mod config;
pub(super) mod driver;
mod existing;
mod guarded_routes;
pub(super) mod handler;
pub(super) mod middleware;
pub(super) mod routed;
mod spared;
#[cfg(all(test, feature = "metrics"))]
mod tests;
