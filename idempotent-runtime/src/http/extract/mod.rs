//! Extractors that a handler may take: facts of its run, its transaction, tokens.

pub(super) mod attempt;
pub(super) mod downstream;
pub(super) mod form;
pub(super) mod invalidate;
pub(super) mod token;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tx;
