//! What differs between databases, on the one connection of a transaction.

use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::transaction::plan::RowPlan;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::Pool;
use std::fmt;
use std::time::Duration;

/// A connection of a dialect's database.
pub(super) type Link<D> = <<D as Dialect>::Sqlx as sqlx::Database>::Connection;

/// A step of a conversation with the database.
pub(super) type Step<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Commit,
    Rollback,
}

impl End {
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
/// The steps are those of [`Open`](super::database::Open).
pub(super) trait Dialect: Sized + fmt::Debug + Send + Sync + 'static {
    /// The database, as sqlx knows it.
    type Sqlx: sqlx::Database;

    /// The database, for people.
    fn describe(pool: &Pool<Self::Sqlx>) -> String;

    /// Learns how the connections of a pool are set up.
    fn learn(connection: &mut Link<Self>) -> Step<'_, Self>;

    /// Makes the table of records where it is missing.
    fn make_table(connection: &mut Link<Self>) -> Step<'_, ()>;

    /// Drops some of the records whose life is over.
    fn purge(connection: &mut Link<Self>, limit: u32) -> Step<'_, ()>;

    /// Begins a transaction in which nobody waits for others for longer.
    fn begin(&self, wait: Duration) -> String;

    /// Lets waiting for others take as long as the pool's connections have it; may be nothing.
    fn relax(&self) -> &str;

    /// Ends a transaction and what was set for it, where that would outlive it.
    fn end(&self, how: End) -> Option<String>;

    /// Runs statements that have no parameters.
    fn run(connection: &mut Link<Self>, statements: String) -> Step<'_, ()>;

    fn claim<'c>(
        connection: &'c mut Link<Self>,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, Option<Bytes>>;

    /// Says whether the claimed record was there.
    fn complete<'c>(
        connection: &'c mut Link<Self>,
        key: &'c StorageKey,
        claimed: &'c [u8],
        value: &'c [u8],
        life: Duration,
    ) -> Step<'c, bool>;

    fn lock_row<'c>(&'c self, connection: &'c mut Link<Self>, plan: &'c RowPlan) -> Step<'c, bool>;

    fn exchange<'c>(
        &'c self,
        connection: &'c mut Link<Self>,
        plan: &'c RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> Step<'c, bool>;

    fn peek<'c>(
        &'c self,
        connection: &'c mut Link<Self>,
        plan: &'c RowPlan,
        column: &'static str,
    ) -> Step<'c, Option<String>>;
}
