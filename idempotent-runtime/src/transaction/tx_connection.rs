//! A connection of the app's pool while a transaction of a guard is on it.

use crate::transaction::in_runtime::InRuntime;
use crate::transaction::tx_watch::TxWatch;
use sqlx::Database;
use sqlx::pool::PoolConnection;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A connection that goes back to its pool only if its transaction has ended.
///
/// If it is dropped in mid-transaction, or if the database did not confirm the end, it is closed, and the
/// database rolls back. (sqlx's own transaction would return it to the pool; if the database ended the
/// transaction by itself, such a connection could never begin another one.)
pub(crate) struct TxConnection<DB: Database> {
    connection: InRuntime<PoolConnection<DB>>,
    pub(super) watch: Arc<TxWatch>,
    left: Left,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    AsItWas,
    Changed,
}

impl<DB: Database> TxConnection<DB> {
    /// A connection on which a transaction is about to begin.
    pub(super) fn new(connection: InRuntime<PoolConnection<DB>>) -> Self {
        Self { connection, watch: Arc::default(), left: Left::Changed }
    }

    /// Gives the connection back to its pool, after the transaction has ended.
    pub(super) fn give_back(mut self) {
        self.left = Left::AsItWas;
    }
}

impl<DB: Database> Deref for TxConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for TxConnection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> Drop for TxConnection<DB> {
    fn drop(&mut self) {
        if self.left == Left::Changed {
            self.connection.close_on_drop();
        }
    }
}
