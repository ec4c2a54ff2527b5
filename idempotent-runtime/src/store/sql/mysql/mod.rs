//! Records in `MariaDB` or `MySQL`.

mod doctor;
pub(crate) mod rows;

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Entry, Store, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::sql::contract::{Rows, SqlFuture};
use crate::store::sql::errors::failed;
use crate::store::sql::remote::RemoteStore;
use bytes::Bytes;
use sqlx::MySqlConnection;
use sqlx::mysql::MySqlConnectOptions;
use std::time::Duration;

/// The settings of every connection: each statement is a transaction, waits for others no longer than
/// the store does, sees all that is committed, and never cuts a value short.
const CONFIGURE: &str = "\
SET SESSION autocommit = 1, innodb_lock_wait_timeout = 1, \
sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'); \
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Keeps records in `MariaDB` 10.6 or later, or `MySQL` 8, in the table `idempotency_records`.
///
/// A new request costs two round trips, each with a commit; a replay costs two that write nothing.
/// Time is the server's. The store has up to eight connections, on a thread of its own; a
/// connection that breaks is replaced by the next operation.
///
/// The server must be the primary. With `innodb_flush_log_at_trx_commit` other than 1 a crash can
/// forget acknowledged records. For TLS, switch on a `tls-…` feature of `sqlx` in the application;
/// the default logins of `MySQL` 8 need that, or a Unix socket, or its feature `mysql-rsa`.
#[derive(Clone, Debug)]
pub struct MySqlStore(RemoteStore<MySqlConnection>);

impl MySqlStore {
    /// The SQL that creates the table, to be run by hand where the application's user must not.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Connects to `mysql://user:password@host:port/database`, and creates the table where it
    /// is missing.
    ///
    /// # Errors
    /// When the URL is malformed, or the server cannot be reached or refuses the credentials.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: MySqlConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
        RemoteStore::connect("idempotency-mysql", options).await.map(Self)
    }
}

impl Store for MySqlStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(self.0.create(*key, value.clone(), life))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        StoreFuture::new(self.0.swap(*key, expected.clone(), value.clone(), life))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(self.0.read(*key))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        StoreFuture::new(self.0.purge(limit))
    }

    fn describe(&self) -> String {
        let options = self.0.options();
        let address = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        format!("MySQL at {address}, database {}", options.get_database().unwrap_or_default())
    }

    fn findings(&self) -> Vec<Finding> {
        self.0.findings()
    }
}

impl Rows for MySqlConnection {
    fn configure(&mut self) -> SqlFuture<'_, ()> {
        Box::pin(async move { sqlx::raw_sql(CONFIGURE).execute(self).await.map(drop) })
    }

    fn examine(&mut self) -> SqlFuture<'_, Vec<Finding>> {
        Box::pin(doctor::examine(self))
    }

    fn create_table(&mut self) -> SqlFuture<'_, ()> {
        Box::pin(rows::create_table(self))
    }

    fn put<'c>(
        &'c mut self,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
        expected: Option<&'c [u8]>,
    ) -> SqlFuture<'c, Option<Swap>> {
        Box::pin(rows::put(self, key, value, life, expected))
    }

    fn read<'c>(&'c mut self, key: &'c StorageKey) -> SqlFuture<'c, Option<Entry>> {
        Box::pin(rows::read(self, key))
    }

    fn purge(&mut self, limit: u32) -> SqlFuture<'_, u32> {
        Box::pin(rows::purge(self, limit))
    }
}
