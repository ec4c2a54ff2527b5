//! The checks. Each is a function that takes the way to the endpoint and its first answers.

// From the top; each imports only files below it.
mod accepted;
mod connections;
mod contention;
mod errors;
mod keys;
mod mismatch;
mod missing;
mod refusals;
mod replay;
mod scope;
mod table;

pub(crate) use accepted::accepted;
pub(crate) use table::{ACCEPTED, CHECKS, Check, Severity};
