//! The drivers: of one guarded handler, and of a whole scope.
//!
//! Files import downwards: `middleware`, `driver`, `handler`; `guarded_routes`, `extractor_errors`.

pub(super) mod driver;
mod extractor_errors;
mod guarded_routes;
pub(super) mod handler;
pub(super) mod middleware;
