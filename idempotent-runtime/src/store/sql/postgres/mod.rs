//! Records in `PostgreSQL`.

mod doctor;
mod pooler;
pub(crate) mod rows;
mod session;
pub(crate) mod text;
mod watches;

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::own_thread::OwnThread;
use crate::store::sql::contract::{Rows, SqlFuture, WatchKeys};
use crate::store::sql::errors::failed;
use crate::store::sql::login::Login;
use crate::store::sql::pages::TablePage;
use crate::store::sql::postgres::watches::PostgresWatches;
use crate::store::sql::protection::{ModeWords, Protection, Way, refuse_misspelt, refused};
use crate::store::sql::remote::RemoteStore;
use crate::store::sql::server_store::server_store;
use bytes::Bytes;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, PgConnection};
use std::error::Error as StdError;
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Duration;

/// Keeps records in `PostgreSQL` 13 or later, in the table `idempotency_records`.
///
/// A new request costs two round trips, each with a commit; a replay costs one that writes nothing. Time
/// is the server's. The store has up to eight connections, on a thread of its own; a connection that
/// breaks is replaced by the next operation.
///
/// While requests wait for a key that another process holds, one more connection is told of its end by `NOTIFY`
/// on the channel `idempotency`; such a key is an advisory lock of that session, shared, and 64 are watched at
/// once.
///
/// The server must be the primary. With `synchronous_commit = off` or `fsync = off` a crash can
/// forget acknowledged records.
///
/// # TLS
/// With the feature `tls`, by the parameters of sqlx: `sslmode=verify-full`, with `sslrootcert=FILE` for an
/// authority of your own. Without the feature what asks for TLS is refused, and nothing is sent.
///
/// # `PgBouncer`
/// In session mode, with `ignore_startup_parameters = options` where the URL has options: the store sets by
/// statements what was dropped. Transaction mode is refused.
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
        refuse_misspelt(url)?;
        let options: PgConnectOptions = url.parse().map_err(|error| failed("connect", error))?;
        Self::connect_with(options).await
    }
}

server_store!(PostgresStore, PgConnectOptions, prepared = bare);

impl Rows for PgConnection {
    const SCHEMA: &'static str = rows::SCHEMA;

    const THREAD: &'static str = "idempotency-postgres";

    const MODES: ModeWords = ModeWords {
        parameter: "sslmode",
        verified: "verify-full",
        unwanted: "disable",
        authority: "sslrootcert",
    };

    fn describe(options: &PgConnectOptions) -> String {
        let address = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        format!("PostgreSQL at {address}, database {database}")
    }

    fn protection(options: &PgConnectOptions) -> Result<(Protection, Way), StoreError> {
        let environment = std::env::var_os("PGSSLMODE");
        let asked = asked(options.get_ssl_mode(), environment.as_deref())?;
        Ok((asked, Way::to(options.get_host(), options.get_socket().is_some())))
    }

    fn judge<'c>(&'c mut self, login: &'c Login<PgConnectOptions>) -> SqlFuture<'c, ()> {
        Box::pin(pooler::refuse_shared_sessions(self, login))
    }

    fn configure(&mut self, options: &PgConnectOptions, more: Duration) -> SqlFuture<'_, ()> {
        let settings = sqlx::raw_sql(AssertSqlSafe(session::settings(options.get_options(), more)));
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
        match expected {
            Some(expected) => Box::pin(rows::swap_and_tell(self, key, value, life, expected)),
            None => Box::pin(rows::put(self, key, value, life, None)),
        }
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

    fn watches(thread: &OwnThread, login: &Login<PgConnectOptions>) -> Option<Arc<dyn WatchKeys>> {
        Some(Arc::new(PostgresWatches::new(thread, login)))
    }
}

/// Without what `PgBouncer` does not take; no record has a number with a fraction.
fn bare(options: PgConnectOptions) -> PgConnectOptions {
    options.extra_float_digits(None)
}

/// The protection that a mode asks for; without one, and so with the client library's own, the environment must be readable.
fn asked(mode: PgSslMode, environment: Option<&OsStr>) -> Result<Protection, StoreError> {
    Ok(match mode {
        PgSslMode::Disable => Protection::Unwanted,
        PgSslMode::Allow => Protection::Optional,
        PgSslMode::Prefer => {
            let environment = environment.filter(|mode| !mode.is_empty());
            let mode = environment.map(|mode| mode.to_string_lossy().parse::<PgSslMode>());
            if let Some(Err(error)) = mode {
                return Err(refused(format!(
                    "`PGSSLMODE` is not a mode, and would be ignored: {error}"
                )));
            }
            Protection::Optional
        }
        PgSslMode::Require => Protection::Unverified,
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Protection::Verified,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_would_be_ignored_is_refused() {
        let optional = |environment: &str| asked(PgSslMode::Prefer, Some(environment.as_ref()));
        for readable in ["", "prefer", "PREFER", "disable"] {
            assert_eq!(optional(readable).unwrap(), Protection::Optional, "{readable}");
        }
        for unreadable in ["required", "verify_full", "on"] {
            let error = optional(unreadable).unwrap_err().to_string();
            assert!(error.contains("PGSSLMODE"), "{error}");
            let verified = asked(PgSslMode::VerifyFull, Some(unreadable.as_ref())).unwrap();
            assert_eq!(verified, Protection::Verified);
        }
    }
}
