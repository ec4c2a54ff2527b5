//! Records in `MariaDB` or `MySQL`.

mod doctor;
pub(crate) mod rows;

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::contract::{Entry, Store, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::sql::failed;
use crate::store::sql::remote::{Remote, Rows, Step};
use bytes::Bytes;
use sqlx::MySqlConnection;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};
use std::time::Duration;

/// What every connection asks of the server: each statement is a transaction, waits for others no
/// longer than the store does, sees what is committed, and cuts nothing off.
const SETTLE: &str = "\
SET SESSION autocommit = 1, innodb_lock_wait_timeout = 1, \
sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'); \
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Keeps records in `MariaDB` 10.6 or later, or `MySQL` 8, in the table `idempotency_records`.
///
/// A new request costs two round trips, each of them a commit; a replay two, of which nothing is
/// written. Time is the server's. The store has up to eight connections, on a thread of its own; a
/// connection that breaks is replaced by the next operation.
///
/// The server must be the primary. With `innodb_flush_log_at_trx_commit` other than 1 a crash can
/// forget acknowledged records. For TLS, switch on a `tls-…` feature of `sqlx` in the application;
/// the default logins of `MySQL` 8 need that, or a Unix socket, or its feature `mysql-rsa`.
#[derive(Clone, Debug)]
pub struct MySqlStore(Remote<MySqlConnection>);

impl MySqlStore {
    /// The table, to be made by hand where the application's user must not.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Connects to `mysql://user:password@host:port/database`, and makes the table if needed.
    ///
    /// # Errors
    /// When the URL is none, the server cannot be reached, or refuses the credentials.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: MySqlConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
        Remote::connect("idempotency-mysql", options).await.map(Self)
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
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        format!("MySQL at {place}, database {}", options.get_database().unwrap_or_default())
    }

    fn findings(&self) -> Vec<Finding> {
        self.0.findings()
    }
}

impl Rows for MySqlConnection {
    fn settle(&mut self) -> Step<'_, ()> {
        Box::pin(async move { sqlx::raw_sql(SETTLE).execute(self).await.map(drop) })
    }

    fn prepare(&mut self) -> Step<'_, Vec<Finding>> {
        Box::pin(async move {
            let facts = doctor::ask(self).await?;
            rows::make(self).await?;
            Ok(facts.findings())
        })
    }

    fn put<'c>(
        &'c mut self,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
        expected: Option<&'c [u8]>,
    ) -> Step<'c, Option<Swap>> {
        Box::pin(rows::put(self, key, value, life, expected))
    }

    fn look<'c>(&'c mut self, key: &'c StorageKey) -> Step<'c, Option<Entry>> {
        Box::pin(rows::look(self, key))
    }

    fn purge(&mut self, limit: u32) -> Step<'_, u32> {
        Box::pin(rows::purge(self, limit))
    }
}

/// Sorts the server's refusals. (<https://mariadb.com/kb/en/mariadb-error-code-reference/>)
pub(super) fn refused(error: &MySqlDatabaseError) -> StoreErrorKind {
    match error.number() {
        // A lock took too long, a deadlock, or a row that changed meanwhile.
        1205 | 1213 | 1020 => StoreErrorKind::Busy,
        // The server's own limit on statements.
        1969 | 3024 => StoreErrorKind::Timeout,
        // Too many clients, a shutdown, a killed connection, a server that became a replica.
        1040 | 1203 | 1053 | 1317 | 1927 | 3169 | 4031 | 1290 | 1836 => StoreErrorKind::Unavailable,
        _ if error.code().is_some_and(|code| code.starts_with("08")) => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Rejected,
    }
}
