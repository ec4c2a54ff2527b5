//! A transaction under way: the contract that each database keeps.

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
    /// A row guards, too.
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
    /// Its bytes, as they were put.
    pub(super) claimed: &'a [u8],
    pub(super) next: &'a [u8],
    pub(super) life: Duration,
}

/// The steps of guards, whose SQL differs between databases.
///
/// Each database implements them for its own transaction, and nothing forwards them: a new step is a
/// method here and one for each database.
#[doc(hidden)]
pub trait Steps: Send {
    /// Puts a record where none is alive, after all transactions ended that are about to put one
    /// there; otherwise gives the bytes that are there, and the transaction can only be rolled back.
    ///
    /// What leads to the next step may be sent with it.
    fn put_record<'a>(
        &'a mut self,
        key: &'a StorageKey,
        record: &'a [u8],
        life: Duration,
        next: AfterClaim,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces the record that this transaction put; says whether it was still there.
    fn replace_record<'a>(&'a mut self, exchange: RecordExchange<'a>) -> StoreFuture<'a, bool>;

    /// Sets these names for this transaction alone.
    fn set<'a>(&'a mut self, settings: &'a TxSettings) -> StoreFuture<'a, ()>;

    /// Says whether there is a row, without a lock and without waiting for those that have one.
    fn find_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool>;

    /// Locks a row until the transaction ends; says whether there is one.
    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool>;

    /// Sets a column of a row, if it holds one of the expected values; says whether it did.
    fn exchange_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: &'a [ColumnValue],
        next: ColumnValue,
    ) -> StoreFuture<'a, bool>;

    /// Reads a column of a row as text; nothing, if there is no such row.
    fn read_column<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>>;
}

/// A transaction under way, on the only connection that its request uses.
///
/// Dropped, it is rolled back.
#[doc(hidden)]
pub trait BusinessTransaction: Steps {
    /// Sets the savepoint to which [`roll_back_to_savepoint`](Self::roll_back_to_savepoint) returns.
    fn set_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Ends the part of the guards: sets the savepoint, if there is none, and gives waiting for locks
    /// the time that the pool's connections have.
    fn hand_over(&mut self) -> StoreFuture<'_, ()>;

    /// Rolls back what was done since the savepoint.
    fn roll_back_to_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Releases the savepoint; fails if the database has rolled back on its own, or will.
    fn release_savepoint(&mut self) -> StoreFuture<'_, ()>;

    /// Whether the database has rolled back by itself.
    fn is_over(&self) -> bool;

    /// Commits, so that everything lasts.
    fn commit(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Replaces the record that this transaction put, and commits; an error if it is not there any more. Nothing
    /// lasts then.
    fn complete(self: Box<Self>, exchange: RecordExchange<'_>) -> StoreFuture<'_, ()>;

    /// Rolls everything back.
    fn roll_back(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Puts the transaction of sqlx where its handler finds it.
    fn put_into(&mut self, slot: &TxSlot);

    /// Takes it from there, if the handler gave it back; without it, every other method fails.
    fn take_from(&mut self, slot: &TxSlot);
}
