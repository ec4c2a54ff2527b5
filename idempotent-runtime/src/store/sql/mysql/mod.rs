//! Records in `MariaDB` or `MySQL`.

mod doctor;
pub(crate) mod rows;
pub(crate) mod text;

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::sql::contract::{Rows, SqlFuture};
use crate::store::sql::errors::failed;
use crate::store::sql::login::Login;
use crate::store::sql::pages::TablePage;
use crate::store::sql::protection::{ModeWords, Protection, Way, refuse_misspelt};
use crate::store::sql::remote::RemoteStore;
use crate::store::sql::server_store::server_store;
use bytes::Bytes;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, MySqlConnection};
use std::error::Error as StdError;
use std::time::Duration;

/// The settings of every connection: each statement is a transaction, waits for others no longer than
/// the store does, sees all that is committed, and never cuts a value short.
const CONFIGURE: &str = "\
SET SESSION autocommit = 1, \
sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'); \
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Keeps records in `MariaDB` 10.6 or later, or `MySQL` 8, in the table `idempotency_records`.
///
/// A new request costs two round trips, each with a commit; a replay costs one that writes nothing, and two on
/// `MySQL`. Time is the server's. The store has up to eight connections, on a thread of its own; a
/// connection that breaks is replaced by the next operation.
///
/// The server must be the primary. With `innodb_flush_log_at_trx_commit` other than 1 a crash can
/// forget acknowledged records. The default logins of `MySQL` 8 need TLS, or a Unix socket, or the feature
/// `mysql-rsa` of sqlx.
///
/// # TLS
/// With the feature `tls`, by the parameters of sqlx: `ssl-mode=VERIFY_IDENTITY`, with `ssl-ca=FILE` for an
/// authority of your own. Without the feature what asks for TLS is refused, and nothing is sent.
#[derive(Clone, Debug)]
pub struct MySqlStore(RemoteStore<MySqlConnection>);

impl MySqlStore {
    /// The SQL that creates the table, to be run by hand where the application's user must not.
    pub const SCHEMA: &str = rows::SCHEMA;

    /// Connects to `mysql://user:password@host:port/database`, and creates the table where it
    /// is missing.
    ///
    /// # Errors
    /// When the URL is malformed, the server cannot be reached or refuses the credentials, or the user lacks a
    /// right that the store needs: then the error says which statement is to be run.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        refuse_misspelt(url)?;
        let options: MySqlConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
        Self::connect_with(options).await
    }
}

server_store!(MySqlStore, MySqlConnectOptions, prepared = std::convert::identity);

impl Rows for MySqlConnection {
    const SCHEMA: &'static str = rows::SCHEMA;

    const THREAD: &'static str = "idempotency-mysql";

    const MODES: ModeWords = ModeWords {
        parameter: "ssl-mode",
        verified: "VERIFY_IDENTITY",
        unwanted: "DISABLED",
        authority: "ssl-ca",
    };

    fn describe(options: &MySqlConnectOptions) -> String {
        let address = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        format!("MySQL at {address}, database {}", options.get_database().unwrap_or_default())
    }

    fn protection(options: &MySqlConnectOptions) -> Result<(Protection, Way), StoreError> {
        let asked = match options.get_ssl_mode() {
            MySqlSslMode::Disabled => Protection::Unwanted,
            MySqlSslMode::Preferred => Protection::Optional,
            MySqlSslMode::Required => Protection::Unverified,
            MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity => Protection::Verified,
        };
        Ok((asked, Way::to(options.get_host(), options.get_socket().is_some())))
    }

    fn judge<'c>(&'c mut self, _: &'c Login<MySqlConnectOptions>) -> SqlFuture<'c, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn configure(&mut self, _: &MySqlConnectOptions, more: Duration) -> SqlFuture<'_, ()> {
        // In whole seconds, of which the server knows so many.
        let wait = more.as_secs().saturating_add(1).min(1 << 30);
        let settings = format!("{CONFIGURE}; SET SESSION innodb_lock_wait_timeout = {wait}");
        let settings = sqlx::raw_sql(AssertSqlSafe(settings));
        Box::pin(async move { settings.execute(self).await.map(drop) })
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

    fn page(&mut self, page: TablePage) -> SqlFuture<'_, Page> {
        Box::pin(page.of(self))
    }

    fn purge(&mut self, limit: u32) -> SqlFuture<'_, u32> {
        Box::pin(rows::purge(self, limit))
    }
}
