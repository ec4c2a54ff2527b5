//! The guards of one request, which are planned before its transaction begins.

use crate::engine::ClaimRequest;
use crate::policy::{OnDuplicate, Row};
use std::time::Duration;
use tokio::time::Instant;

/// The time for `Retry-After` when others held the row for too long.
pub(super) const BUSY: Duration = Duration::from_secs(1);

/// The guards of a transaction, and how long it may wait for others.
#[derive(Debug)]
pub struct Plan {
    /// The record that commits with the transaction; `None` for a request without a key, if it needs none.
    pub(crate) request: Option<ClaimRequest>,
    /// The row that guards the request.
    pub(crate) row: Option<RowPlan>,
    /// The longest wait for others that hold the same row.
    pub(crate) wait: Duration,
    /// Names and values that the transaction sets before everything else.
    pub(crate) settings: TxSettings,
}

/// The settings of a transaction, by their names.
pub(crate) type TxSettings = Vec<(String, String)>;

/// The purpose of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading, which neither waits for others nor makes them wait.
    Read,
    /// Writing.
    Write,
}

/// The limits of opening a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until when the transaction may wait for others.
    pub(crate) locks: Instant,
    /// Until when the transaction must be open; not before `locks`.
    pub(crate) open: Instant,
}

impl Limits {
    /// The limits of an operation that is not a request.
    pub(crate) fn within(time: Duration) -> Self {
        let until = Instant::now() + time;
        Self { locks: until, open: until }
    }

    /// The limits of a plan that is begun now, if the database may take this long to answer.
    pub(super) fn of(plan: &Plan, patience: Duration) -> Self {
        let now = Instant::now();
        let locks = now + plan.wait;
        Self { locks, open: locks.max(now + patience) }
    }
}

/// A row that guards, and the version and the owner that the request names.
#[derive(Debug)]
pub struct RowPlan {
    pub(crate) row: &'static Row,
    pub(crate) id: String,
    /// The owner for whom the row exists; `None` if it exists for everybody.
    pub(crate) owner: Option<RowOwner>,
    /// The version that the client saw.
    pub(crate) version: SeenVersion,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) known_by: KnownBy,
}

/// The version that a client saw, according to its request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
pub(crate) enum SeenVersion {
    /// Any version.
    Any,
    /// One of these. The list is empty if the request names no valid version.
    OneOf(Vec<i64>),
}

/// The owner that a row must have.
#[derive(Debug)]
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "databases read it")
)]
pub(crate) struct RowOwner {
    pub(crate) column: &'static str,
    pub(crate) value: String,
}

/// The way in which a repeated request is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
pub(crate) enum KnownBy {
    /// By its key: a request with another key is another request.
    Key,
    /// By its version or transition of the row, if at all.
    Row,
}
