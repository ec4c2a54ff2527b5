//! The business database, as far as its guards need it.

use crate::key::StorageKey;
use crate::store::{Entry, Page, PageRequest, StoreFuture};
use crate::transaction::plan::{Access, Limits, Plan};
use crate::transaction::steps::BusinessTransaction;
use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

/// A business database that handlers share with their guards: a pool of sqlx.
///
/// Implemented for `SqlitePool`, `PgPool` and `MySqlPool`, and sealed: which statement waits for whom
/// differs too much between databases to be left to an implementation elsewhere.
///
/// `wait` is for others alone: with a wait of zero, what others hold is refused at once, and what nobody
/// holds has `store_patience` to begin. (On `SQLite` a lock of another process is waited for that long, too.)
///
/// Transactions have the isolation level that the pool's connections have. While guards wait, the
/// database's own timeout for locks is what is left of `wait`; the handler has the pool's again. On
/// `PostgreSQL` a transaction that rests for a minute is ended, unless the pool's connections or the
/// server set `idle_in_transaction_session_timeout` otherwise: a process that was stopped must not hold
/// its rows for ever. One whose process is gone is ended within a second in the middle of a statement,
/// unless they set `client_connection_check_interval` otherwise.
pub trait Database: sealed::SealedDatabase + 'static {
    /// Makes the database of guards out of a pool.
    #[doc(hidden)]
    fn into_business_database(self) -> Arc<dyn BusinessDatabase>;
}

/// A business database, and what was learned about it.
#[doc(hidden)]
pub trait BusinessDatabase: Send + Sync + fmt::Debug + 'static {
    /// Begins a transaction within these limits.
    ///
    /// Creates the table of records before it, where the plan needs it and it is missing.
    fn begin<'a>(
        &'a self,
        plan: &'a Plan,
        access: Access,
        limits: Limits,
    ) -> StoreFuture<'a, Box<dyn BusinessTransaction>>;

    /// Reads the record that committed under a key, and how long it has left.
    fn read_record<'a>(
        &'a self,
        key: &'a StorageKey,
        limits: Limits,
    ) -> StoreFuture<'a, Option<Entry>>;

    /// Gives a page of the records that committed, as a store does its values.
    fn browse<'a>(&'a self, request: &'a PageRequest, limits: Limits) -> StoreFuture<'a, Page>;

    /// Creates the table of records where it is missing, and tries every step on it in a transaction that is rolled
    /// back.
    fn try_out(&self, limits: Limits) -> StoreFuture<'_, ()>;

    /// Whether it answers now.
    fn ping(&self, limits: Limits) -> StoreFuture<'_, ()>;

    /// True while a transaction of this pool keeps every other from beginning.
    fn is_locked(&self) -> bool;

    /// Counts a record that was put: after enough of them, drops some whose life is over.
    fn tidy(self: Arc<Self>);

    /// The type of database at sqlx, which is the one in a handler's `Tx`.
    fn kind(&self) -> TypeId;

    /// Whether a transaction can be given settings.
    fn has_settings(&self) -> bool;

    /// The database, for people.
    fn describe(&self) -> String;
}

pub(super) mod sealed {
    /// Keeps the trait to the databases that are tested here.
    pub trait SealedDatabase {}
}
