//! The way of one request through a guarded handler, and the run that it may become.
//!
//! Files import downwards: `steps`, `claim_request`, `call`, `client`, `run`, `course`.

#[expect(clippy::module_inception, reason = "one file for one concept, here the call itself")]
pub(super) mod call;
pub(super) mod claim_request;
pub(super) mod client;
pub(super) mod course;
pub(super) mod run;
pub(super) mod steps;
