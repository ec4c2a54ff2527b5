//! The guards of one request, as planned before its transaction begins.

use crate::engine::ClaimRequest;
use crate::policy::{OnDuplicate, Row};
use std::time::Duration;

/// When it is worth asking again after others held the row for too long.
pub(super) const BUSY: Duration = Duration::from_secs(1);

/// The guards of a transaction, and how long it may wait for others.
#[derive(Debug)]
pub struct Plan {
    /// The record that commits with it; nothing, for a request without a key that needs none.
    pub(crate) request: Option<ClaimRequest>,
    /// The row that guards it.
    pub(crate) row: Option<RowPlan>,
    /// How long to wait for others that hold the same row.
    pub(crate) wait: Duration,
}

/// A row that guards, and what the request says about it.
#[derive(Debug)]
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "databases read it")
)]
pub struct RowPlan {
    pub(crate) row: &'static Row,
    pub(crate) id: String,
    /// The version that the client saw.
    pub(crate) version: i64,
    pub(crate) on_duplicate: OnDuplicate,
}
