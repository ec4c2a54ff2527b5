//! The contract of a transaction under way, which each database implements.

use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::StoreFuture;
use crate::transaction::plan::{RowPlan, TxSettings};
use crate::transaction::tx_slot::TxSlot;
use bytes::Bytes;
use std::time::Duration;

/// The step after a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum AfterClaim {
    /// A row is checked.
    Row,
    /// The handler runs.
    Handler,
}

/// An exchange of the record that a transaction put.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "databases read it")
)]
pub struct RecordExchange<'a> {
    pub(super) key: &'a StorageKey,
    /// The bytes of the record, as they were put.
    pub(super) claimed: &'a [u8],
    pub(super) next: &'a [u8],
    pub(super) life: Duration,
}

/// The steps of guards, whose SQL differs between databases.
///
/// Each database implements them for its own transaction. There is no layer in between: a new step is one
/// method here and one for each database.
#[doc(hidden)]
pub trait Steps: Send {
    /// Puts a record if no living one is there. It waits for the end of other transactions that put one under
    /// this key. If a record is there, returns its bytes; then the transaction can only be rolled back.
    ///
    /// The statements that lead to the next step may be sent with it.
    fn put_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        record: &'a [u8],
        life: Duration,
        next: AfterClaim,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces the record that this transaction put; returns whether it was still there.
    fn replace_record<'a>(&'a mut self, exchange: RecordExchange<'a>) -> StoreFuture<'a, bool>;

    /// Sets these names to their values for this transaction only.
    fn set<'a>(&'a mut self, settings: &'a TxSettings) -> StoreFuture<'a, ()>;

    /// Returns whether the row exists, without a lock and without waiting for transactions that hold one.
    fn find_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool>;

    /// Locks the row until the transaction ends; returns whether it exists.
    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool>;

    /// Sets a column of a row, if it holds one of the expected values; returns whether it did.
    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: &'a [ColumnValue],
        next: ColumnValue,
    ) -> StoreFuture<'a, bool>;

    /// Reads a column of a row as text; `None` if there is no such row.
    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>>;
}

/// A transaction under way, on the only connection that its request uses.
///
/// If it is dropped, it is rolled back.
#[doc(hidden)]
pub trait BusinessTransaction: Steps {
    /// Sets the savepoint to which [`roll_back_to_savepoint`](Self::roll_back_to_savepoint) returns.
    fn set_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Ends the guards' part: sets the savepoint, if there is none, and the lock timeout of the pool's
    /// connections, and watches the transaction from now on.
    fn hand_over(&mut self) -> StoreFuture<'_, ()>;

    /// Rolls back the statements since the savepoint.
    fn roll_back_to_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Releases the savepoint; fails if the database has rolled back on its own, or will.
    fn release_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Whether the database has rolled back by itself.
    fn is_over(&self) -> bool;

    /// Commits, so that everything lasts.
    fn commit(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Replaces the record that this transaction put, and commits. If the record is not there any more, this is an
    /// error, and nothing is committed.
    fn complete(self: Box<Self>, exchange: RecordExchange<'_>) -> StoreFuture<'_, ()>;

    /// Rolls everything back.
    fn roll_back(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Puts the transaction of sqlx into the slot, for the handler.
    fn put_into(&mut self, slot: &TxSlot);

    /// Takes it back, if the handler gave it back. Without it, every other method fails.
    fn take_from(&mut self, slot: &TxSlot);
}
