//! The contract of a database server that keeps records.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Changed, Entry, Page, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::own_thread::OwnThread;
use crate::store::sql::login::Login;
use crate::store::sql::pages::TablePage;
use crate::store::sql::protection::{ModeWords, Protection, Way};
use futures_util::future::BoxFuture;
use sqlx::Connection;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The future of a step on a connection.
pub(super) type SqlFuture<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// The table of records, on one connection to its server.
pub(super) trait Rows: Connection + fmt::Debug + 'static {
    /// The SQL that creates the table.
    const SCHEMA: &'static str;

    /// The name of the thread that its connections live on.
    const THREAD: &'static str;

    /// The database's words for TLS.
    const MODES: ModeWords;

    /// The server and its database, for people.
    fn describe(options: &Self::Options) -> String;

    /// Whether these settings ask for TLS, and who can listen on the way.
    fn protection(options: &Self::Options) -> Result<(Protection, Way), StoreError>;

    /// Fails where a connection of this login is no session of its own; the first connection is not set up yet.
    fn judge<'c>(&'c mut self, login: &'c Login<Self::Options>) -> SqlFuture<'c, ()>;

    /// Sets a new connection of these options up; its statements may take so much longer than usual.
    fn configure(&mut self, options: &Self::Options, more: Duration) -> SqlFuture<'_, ()>;

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

    /// Looks for a page of the values that are alive.
    fn page(&mut self, page: TablePage) -> SqlFuture<'_, Page>;

    /// Drops at most `limit` values whose life is over, and says how many.
    fn purge(&mut self, limit: u32) -> SqlFuture<'_, u32>;

    /// Watches keys on this thread, if the server tells of changes.
    fn watches(_: &OwnThread, _: &Login<Self::Options>) -> Option<Arc<dyn WatchKeys>> {
        None
    }
}

/// A server's word that a key changed, as of [`watch`](crate::store::Store::watch).
pub(super) trait WatchKeys: Send + Sync + fmt::Debug {
    /// Watches a key.
    fn watch(&self, key: &StorageKey) -> StoreFuture<'_, Changed>;
}
