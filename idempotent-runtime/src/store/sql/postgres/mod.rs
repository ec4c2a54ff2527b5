//! Records in `PostgreSQL`.

mod doctor;
pub(crate) mod rows;

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Changed, Entry, Store, StoreSettings, Swap};
use crate::store::finding::{Finding, Severity};
use crate::store::future::StoreFuture;
use crate::store::sql::contract::{Rows, SqlFuture};
use crate::store::sql::errors::{failed, table_unfit};
use crate::store::sql::remote::RemoteStore;
use crate::store::trial::refused_for_good;
use bytes::Bytes;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;

/// The settings of every connection: no statement takes longer than the store waits for it, and of two
/// that write the same row, the second waits instead of failing.
const OPTIONS: [(&str, &str); 3] = [
    ("statement_timeout", "1400"),
    ("lock_timeout", "1000"),
    ("default_transaction_isolation", "read committed"),
];

/// The same in milliseconds, and the longest that the server knows.
const STATEMENT_TIMEOUT: u64 = 1400;
const LOCK_TIMEOUT: u64 = 1000;
const LONGEST_TIMEOUT: u128 = i32::MAX as u128;

/// Keeps records in `PostgreSQL` 13 or later, in the table `idempotency_records`.
///
/// A new request costs two round trips, each with a commit; a replay costs one that writes nothing. Time
/// is the server's. The store has up to eight connections, on a thread of its own; a connection that
/// breaks is replaced by the next operation.
///
/// The server must be the primary. With `synchronous_commit = off` or `fsync = off` a crash can
/// forget acknowledged records. For TLS, switch on a `tls-…` feature of `sqlx` in the application.
#[derive(Clone, Debug)]
pub struct PostgresStore(RemoteStore<PgConnection>);

impl PostgresStore {
    /// The SQL that creates the table, to be run by hand where the application's user must not.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Connects to `postgres://user:password@host:port/database`, and creates the table where
    /// it is missing.
    ///
    /// # Errors
    /// When the URL is malformed, the server cannot be reached or refuses the credentials, or the user lacks a
    /// right that the store needs: then the error says which statement is to be run.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
        let store = RemoteStore::connect("idempotency-postgres", options.options(OPTIONS))
            .await
            .map(Self)?;
        if store.findings().iter().all(|finding| finding.severity != Severity::Error) {
            let tried = refused_for_good(&store).await;
            tried.map_err(|error| table_unfit(error, Self::SCHEMA))?;
        }
        Ok(store)
    }

    /// Has this many connections to the server at most. Defaults to 8. To be called before the store is used.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Self(self.0.resize(connections))
    }
}

impl Store for PostgresStore {
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
        let database = options.get_database().unwrap_or(options.get_username());
        format!("PostgreSQL at {address}, database {database}")
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn findings(&self) -> Vec<Finding> {
        self.0.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.0.adopt(settings);
    }
}

impl Rows for PgConnection {
    const SCHEMA: &'static str = rows::SCHEMA;

    fn configure(&mut self, more: Duration) -> SqlFuture<'_, ()> {
        // The usual options came with the connection.
        if more.is_zero() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let limit = |usual: u64| Duration::from_millis(usual).saturating_add(more).as_millis();
        let limits = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}",
            limit(STATEMENT_TIMEOUT).min(LONGEST_TIMEOUT),
            limit(LOCK_TIMEOUT).min(LONGEST_TIMEOUT),
        );
        let limits = sqlx::raw_sql(AssertSqlSafe(limits));
        Box::pin(async move { limits.execute(self).await.map(drop) })
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
