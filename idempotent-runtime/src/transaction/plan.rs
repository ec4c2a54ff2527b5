//! The guards of one request, as planned before its transaction begins.

use crate::engine::ClaimRequest;
use crate::policy::{OnDuplicate, Row};
use std::time::Duration;
use tokio::time::Instant;

/// The time after which to ask again when others held the row for too long.
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
    /// Names and values that are set before everything else.
    pub(crate) settings: TxSettings,
}

/// The settings of a transaction, by their names.
pub(crate) type TxSettings = Vec<(String, String)>;

/// The thing that a transaction is begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A look at what is there, which holds nobody up and waits for nobody.
    Read,
    /// Writing.
    Write,
}

/// The limits of opening a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nothing waits for other transactions after this.
    pub(crate) locks: Instant,
    /// The transaction is open by then, or there is none; not before `locks`.
    pub(crate) open: Instant,
}

impl Limits {
    /// The limits of something that is no request.
    pub(crate) fn within(time: Duration) -> Self {
        let until = Instant::now() + time;
        Self { locks: until, open: until }
    }

    /// The limits of a plan that is begun now, where a database may take this long to answer.
    pub(super) fn of(plan: &Plan, patience: Duration) -> Self {
        let now = Instant::now();
        let locks = now + plan.wait;
        Self { locks, open: locks.max(now + patience) }
    }
}

/// A row that guards, and what the request says about it.
#[derive(Debug)]
pub struct RowPlan {
    pub(crate) row: &'static Row,
    pub(crate) id: String,
    /// The owner for whom the row exists; nothing, if it exists for everybody.
    pub(crate) owner: Option<RowOwner>,
    /// The version that the client saw.
    pub(crate) version: SeenVersion,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) known_by: KnownBy,
}

/// The version that a client saw, as far as its request says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
pub(crate) enum SeenVersion {
    /// Whatever is there.
    Any,
    /// One of these; none, if the request names nothing that is a version.
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

/// The way in which a repeated request is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
pub(crate) enum KnownBy {
    /// By its key: whatever has another key is another request.
    Key,
    /// By what it wants of the row, if at all.
    Row,
}
