//! The business database, as far as its guards need it.

use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::StoreFuture;
use crate::transaction::plan::RowPlan;
use bytes::Bytes;
use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A business database that handlers share with their guards: a pool of sqlx.
///
/// Implemented for `SqlitePool`, `PgPool` and `MySqlPool`, and sealed: which statement waits for whom
/// differs too much between databases to be left to an implementation elsewhere.
///
/// Transactions have the isolation level that the pool's connections have. While guards wait, the
/// database's own timeout for locks is what is left of `wait`; the handler has the pool's again. On
/// `PostgreSQL` a transaction that rests for a minute is ended, unless the pool's connections or the
/// server set `idle_in_transaction_session_timeout` otherwise: a process that was stopped must not hold
/// its rows for ever. One whose process is gone is ended within a second in the middle of a statement,
/// unless they set `client_connection_check_interval` otherwise.
pub trait Database: sealed::Sealed + 'static {
    /// Makes a guarded one of it.
    #[doc(hidden)]
    fn guarded(self) -> Arc<dyn BusinessDatabase>;
}

/// A business database, and what was learned about it.
#[doc(hidden)]
pub trait BusinessDatabase: Send + Sync + fmt::Debug + 'static {
    /// Makes the table of records where it is missing, outside of any transaction.
    fn make_table(&self, until: Instant) -> StoreFuture<'_, ()>;

    /// Opens a transaction that will write, and in which nothing waits for others for longer.
    fn begin(&self, until: Instant) -> StoreFuture<'_, Box<dyn Open>>;

    /// A record was put: after enough of them, drops some whose life is over.
    fn tidy(self: Arc<Self>);

    /// The type of connection its transactions lend to handlers.
    fn kind(&self) -> TypeId;

    /// The database, for people.
    fn describe(&self) -> String;
}

pub(super) mod sealed {
    /// Keeps the trait to the databases that are tested here.
    pub trait Sealed {}
}

/// A transaction under way, on the only connection that its request uses.
///
/// Dropped, it is rolled back.
#[doc(hidden)]
pub trait Open: Send {
    /// Puts a record where none is alive, after everybody has ended who is about to put one there;
    /// otherwise gives what is there.
    fn claim<'a>(
        &'a mut self,
        key: &'a StorageKey,
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces the record that was put by this transaction.
    fn complete<'a>(
        &'a mut self,
        key: &'a StorageKey,
        claimed: &'a [u8],
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, ()>;

    /// Locks a row until the transaction ends; says whether there is one.
    fn lock_row<'a>(&'a mut self, row: &'a RowPlan) -> StoreFuture<'a, bool>;

    /// Replaces what a row's column holds, if it is what is expected.
    fn exchange<'a>(
        &'a mut self,
        row: &'a RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> StoreFuture<'a, bool>;

    /// What a row's column holds, as text.
    fn peek<'a>(
        &'a mut self,
        row: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>>;

    /// Marks the point after which everything can be taken back.
    fn mark(&mut self) -> StoreFuture<'_, ()>;

    /// The guards have judged: marks this point, if none is marked, and lets the handler wait for
    /// others as long as it may without us.
    fn hand_over(&mut self) -> StoreFuture<'_, ()>;

    /// Takes back what was done since the mark.
    fn undo(&mut self) -> StoreFuture<'_, ()>;

    /// Fails if the database has taken something back on its own, or will.
    fn confirm(&mut self) -> StoreFuture<'_, ()>;

    /// Makes everything last.
    fn commit(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Takes everything back.
    fn rollback(self: Box<Self>) -> StoreFuture<'static, ()>;

    /// Gives the transaction itself away, for a handler.
    fn lend(&mut self) -> Option<Box<dyn Any + Send>>;

    /// Takes it back; without it, nothing can be committed.
    fn take_back(&mut self, lent: Box<dyn Any + Send>);
}
