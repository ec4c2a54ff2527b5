//! The contract of a database server that keeps records.

use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::finding::Finding;
use futures_util::future::BoxFuture;
use sqlx::Connection;
use std::time::Duration;

/// The future of a step on a connection.
pub(super) type SqlFuture<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// The table of records, on one connection to its server.
pub(super) trait Rows: Connection + 'static {
    /// The SQL that creates the table.
    const SCHEMA: &'static str;

    /// Sets a new connection up; its statements may take so much longer than usual.
    fn configure(&mut self, more: Duration) -> SqlFuture<'_, ()>;

    /// Checks the server's settings.
    fn examine(&mut self) -> SqlFuture<'_, Vec<Finding>>;

    /// Creates the table where it is missing.
    fn create_table(&mut self) -> SqlFuture<'_, ()>;

    /// Puts a value where none is alive or, if one is expected, where that is.
    ///
    /// One atomic step. `None` means that others were writing, and that it must be tried again.
    fn put<'c>(
        &'c mut self,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
        expected: Option<&'c [u8]>,
    ) -> SqlFuture<'c, Option<Swap>>;

    /// Reads the value that is alive under a key.
    fn read<'c>(&'c mut self, key: &'c StorageKey) -> SqlFuture<'c, Option<Entry>>;

    /// Drops at most `limit` values whose life is over, and says how many.
    fn purge(&mut self, limit: u32) -> SqlFuture<'_, u32>;
}
