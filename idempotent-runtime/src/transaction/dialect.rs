//! The SQL around a transaction, where databases differ: how one begins and ends.

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

/// A conversation with a database, on one connection.
pub(super) type DialectFuture<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// Fails where a transaction is to be rolled back, and where the savepoint went with one that ended.
pub(super) const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT idempotent_handler";

/// The name of a table, each of its parts between these marks.
pub(super) fn quoted(table: &str, [open, close]: [char; 2]) -> String {
    let parts: Vec<_> = table.split('.').map(|part| format!("{open}{part}{close}")).collect();
    parts.join(".")
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TxEnd {
    Commit,
    Rollback,
}

impl TxEnd {
    /// As a statement, and for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        }
    }
}

/// How a database is spoken to, and what was learned about the one behind a pool.
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

    /// True if a transaction, or its session, can be given settings.
    const HAS_SETTINGS: bool = true;

    /// True if the statements that begin a transaction are sent with its first step.
    const BEGINS_LATE: bool = false;

    /// The database, for people.
    fn describe(pool: &Pool<Self::Sqlx>) -> String;

    /// Learns how the connections of a pool are set up.
    fn learn(connection: &mut ConnectionOf<Self>) -> DialectFuture<'_, Self>;

    /// Creates the table of records where it is missing.
    fn create_table(connection: &mut ConnectionOf<Self>) -> DialectFuture<'_, ()>;

    /// Reads the record that is alive under a key.
    fn read<'c>(
        connection: &'c mut ConnectionOf<Self>,
        key: &'c StorageKey,
    ) -> DialectFuture<'c, Option<Entry>>;

    /// Looks for a page of the records that are alive.
    fn page(connection: &mut ConnectionOf<Self>, page: TablePage) -> DialectFuture<'_, Page>;

    /// Drops some of the records whose life is over.
    fn purge(connection: &mut ConnectionOf<Self>, limit: u32) -> DialectFuture<'_, ()>;

    /// Runs statements that have no parameters.
    fn execute(connection: &mut ConnectionOf<Self>, statements: String) -> DialectFuture<'_, ()>;

    /// Begins a transaction in which no statement waits for others for longer.
    fn begin_sql(&self, access: Access, wait: Duration) -> String;

    /// Has the database tell of the end of the transaction that began on this connection, and commit
    /// nothing on it unless its guard does. A database that never ends one by itself needs nothing.
    fn watch(_: &mut ConnectionOf<Self>, _: Arc<TxWatch>) -> DialectFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Takes that back.
    fn unwatch(_: &mut ConnectionOf<Self>) -> DialectFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Lets statements wait for others as long as the pool's connections do; may be empty.
    fn relax_sql(&self) -> &str;

    /// Ends a transaction and what was set for it, where that would outlive it. It commits only the
    /// transaction in which the savepoint was set.
    fn end_sql(&self, end: TxEnd) -> Option<String>;

    /// Replaces the record that a transaction put, and ends the transaction by these statements, in one round trip;
    /// false, if the record is gone, and then it has not ended. Nothing, where it takes two.
    fn replace_and_end<'c>(
        &self,
        _: &'c mut ConnectionOf<Self>,
        _: RecordExchange<'c>,
        _: String,
    ) -> Option<DialectFuture<'c, bool>> {
        None
    }
}
