//! The SQL that begins and ends a transaction, which differs between databases.

use crate::key::StorageKey;
use crate::store::sql::TablePage;
use crate::store::{Entry, Page};
use crate::transaction::plan::Access;
use crate::transaction::steps::RecordExchange;
use crate::transaction::tx_watch::TxWatch;
use futures_util::future::{BoxFuture, ready};
use sqlx::Pool;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A connection of a dialect's database.
pub(super) type ConnectionOf<D> = <<D as Dialect>::Sqlx as sqlx::Database>::Connection;

/// One or more statements on one connection, and their result.
pub(super) type DialectFuture<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// Releases the savepoint. It fails if the transaction must be rolled back, or ended with its savepoint.
pub(super) const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT idempotent_handler";

/// The name of a table, with each of its parts in these quotation marks.
pub(super) fn quoted(table: &str, [open, close]: [char; 2]) -> String {
    let parts: Vec<_> = table.split('.').map(|part| format!("{open}{part}{close}")).collect();
    parts.join(".")
}

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TxEnd {
    Commit,
    Rollback,
}

impl TxEnd {
    /// The end as a statement, which is also its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        }
    }
}

/// The SQL of a kind of database, and the settings that were read from the one behind a pool.
///
/// The steps of guards are not here: each database implements [`Steps`](super::steps::Steps) for its
/// `ActiveTx`.
pub(super) trait Dialect: Sized + fmt::Debug + Send + Sync + 'static {
    /// The database, as sqlx knows it.
    type Sqlx: sqlx::Database;

    /// The SQL that creates the table of records.
    const SCHEMA: &'static str;

    /// True if beginning waits for the end of every other transaction that writes.
    const ONE_AT_A_TIME: bool = false;

    /// True if a transaction or its session can have settings.
    const HAS_SETTINGS: bool = true;

    /// True if the statements that begin a transaction are sent with its first step.
    const BEGINS_LATE: bool = false;

    /// The database, for people.
    fn describe(pool: &Pool<Self::Sqlx>) -> String;

    /// Reads the settings of a pool's connections.
    fn learn(connection: &mut ConnectionOf<Self>) -> DialectFuture<'_, Self>;

    /// Creates the table of records if it is missing.
    fn create_table(connection: &mut ConnectionOf<Self>) -> DialectFuture<'_, ()>;

    /// Reads the living record under a key.
    fn read<'c>(
        connection: &'c mut ConnectionOf<Self>,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>>;

    /// Lists a page of the living records.
    fn page(connection: &mut ConnectionOf<Self>, page: TablePage) -> DialectFuture<'_, Page>;

    /// Drops some of the records whose life is over.
    fn purge(connection: &mut ConnectionOf<Self>, limit: u32) -> DialectFuture<'_, ()>;

    /// Runs statements that have no parameters.
    fn execute(connection: &mut ConnectionOf<Self>, statements: String) -> DialectFuture<'_, ()>;

    /// The statements that begin a transaction in which no statement waits for others longer than `wait`.
    fn begin_sql(&self, access: Access, wait: Duration) -> String;

    /// Watches the transaction that began on this connection: its end is reported, and only its guard can
    /// commit. A database that never ends a transaction by itself needs no watch, and neither do guards: an error tells
    /// them.
    fn watch(_: &mut ConnectionOf<Self>, _: Arc<TxWatch>) -> DialectFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Ends the watch.
    fn unwatch(_: &mut ConnectionOf<Self>) -> DialectFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// The statements that give waiting for locks the time of the pool's connections again; may be empty.
    fn relax_sql(&self) -> &str;

    /// The statements that end a transaction, and its settings if they would outlive it; `None` if sqlx's own
    /// suffice. They commit only the transaction in which the savepoint was set.
    fn end_sql(&self, end: TxEnd) -> Option<String>;

    /// Replaces the record that a transaction put, and ends the transaction by these statements, in one round trip.
    /// Returns false if the record is gone; then the transaction has not ended. `None` if that takes two round trips.
    fn replace_and_end<'c>(
        &self,
        _: &'c mut ConnectionOf<Self>,
        _: RecordExchange<'c>,
        _: String,
    ) -> Option<DialectFuture<'c, bool>> {
        None
    }
}
