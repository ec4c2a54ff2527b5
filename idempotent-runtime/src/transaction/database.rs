//! The part of the business database that guards need.

use crate::key::StorageKey;
use crate::store::{Entry, Page, PageRequest, StoreFuture};
use crate::transaction::plan::{Access, Limits, Plan};
use crate::transaction::steps::BusinessTransaction;
use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

/// A business database that handlers share with their guards: a pool of sqlx.
///
/// It is implemented for `SqlitePool`, `PgPool` and `MySqlPool`, and sealed: databases differ too much in
/// which statement waits for which other.
///
/// `wait` bounds only the waiting for other transactions. With a wait of zero, a request is refused at once
/// if another one holds its key or row; otherwise the transaction has `store_patience` to begin. (On `SQLite`
/// it waits that long for a lock of another process, too.)
///
/// Transactions have the isolation level of the pool's connections. While guards wait, the
/// database's own timeout for locks is the rest of `wait`; the handler has the pool's timeout again. On
/// `PostgreSQL` a transaction without a statement for a minute is ended, unless the pool's connections or the
/// server set `idle_in_transaction_session_timeout` otherwise: a suspended process must not hold
/// its rows for ever. If the process is dead, its transaction is ended within a second even in the middle of a
/// statement, unless they set `client_connection_check_interval` otherwise.
pub trait Database: sealed::SealedDatabase + 'static {
    /// Makes the database of guards out of a pool.
    #[doc(hidden)]
    fn into_business_database(self) -> Arc<dyn BusinessDatabase>;
}

/// A business database, and the settings that were read from it.
#[doc(hidden)]
pub trait BusinessDatabase: Send + Sync + fmt::Debug + 'static {
    /// Begins a transaction within these limits.
    ///
    /// Creates the table of records before it, if the plan needs the table and it is missing.
    fn begin<'a>(
        &'a self,
        plan: &'a Plan,
        access: Access,
        limits: Limits,
    ) -> StoreFuture<'a, Box<dyn BusinessTransaction>>;

    /// Reads the committed record under a key, and how long it still lives.
    fn read_record<'a>(
        &'a self,
        key: &'a StorageKey,
        limits: Limits,
    ) -> StoreFuture<'a, Option<Entry>>;

    /// Lists a page of the committed records, as a store lists its values.
    fn browse<'a>(&'a self, request: &'a PageRequest, limits: Limits) -> StoreFuture<'a, Page>;

    /// Creates the table of records if it is missing, and tries every step on it in a transaction that is rolled
    /// back.
    fn try_out(&self, limits: Limits) -> StoreFuture<'_, ()>;

    /// Checks that the database answers now.
    fn ping(&self, limits: Limits) -> StoreFuture<'_, ()>;

    /// True while a transaction of this pool keeps every other from beginning.
    fn is_locked(&self) -> bool;

    /// Counts a record that was put: after enough of them, drops some whose life is over.
    fn tidy(self: Arc<Self>);

    /// The type of the database in sqlx, which is the argument of a handler's `Tx`.
    fn kind(&self) -> TypeId;

    /// Whether a transaction can be given settings.
    fn has_settings(&self) -> bool;

    /// The name of the database, for people.
    fn describe(&self) -> String;
}

pub(super) mod sealed {
    /// Keeps the trait to the databases that are tested here.
    pub trait SealedDatabase {}
}
