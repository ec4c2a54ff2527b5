//! Descriptions of guarded handlers, for documents of utoipa (feature `openapi`).
//!
//! The attribute puts a [`GuardedOperation`] into `#[utoipa::path]`, as an extension; [`Guards`] makes
//! parameters and responses from it. Files import downwards: `document`; `responses`; `operation`;
//! `refusals`.

mod document;
mod operation;
mod refusals;
mod responses;
#[cfg(test)]
mod tests;

pub use document::{GUARDS, Guards};
pub use operation::GuardedOperation;
