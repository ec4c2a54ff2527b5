//! Records in a database; the statements of each are beside their store.

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod connections;
#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod remote;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

use crate::error::{StoreError, StoreErrorKind};
use sqlx::error::DatabaseError;
use std::io::ErrorKind;
use std::sync::Arc;

/// Sorts the client library's errors into ours.
pub(crate) fn failed(operation: &'static str, error: impl Into<Arc<sqlx::Error>>) -> StoreError {
    let error = error.into();
    StoreError::new(kind(&error), operation).because(error)
}

fn kind(error: &sqlx::Error) -> StoreErrorKind {
    match error {
        sqlx::Error::PoolTimedOut => StoreErrorKind::Timeout,
        sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => StoreErrorKind::Timeout,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Corrupt,
        sqlx::Error::Configuration(_) => StoreErrorKind::Rejected,
        sqlx::Error::Database(refusal) => refused(&**refusal),
        _ => StoreErrorKind::Unavailable,
    }
}

/// Whether the connection that gave this error can be used again.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn survives(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => kind(error) != StoreErrorKind::Unavailable,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        _ => false,
    }
}

/// The codes of the databases overlap, so each judges its own.
fn refused(error: &(dyn DatabaseError + 'static)) -> StoreErrorKind {
    #[cfg(feature = "sqlite")]
    if let Some(error) = error.try_downcast_ref() {
        return sqlite::refused(error);
    }
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref() {
        return postgres::refused(error);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref() {
        return mysql::refused(error);
    }
    StoreErrorKind::Rejected
}

/// The longest life that is asked of a server, a hundred years: sums of larger ones overflow.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const LONGEST: std::time::Duration = std::time::Duration::from_hours(876_000);

/// A life as servers count it, in milliseconds; at least one.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn milliseconds(life: std::time::Duration) -> i64 {
    let life = life.clamp(std::time::Duration::from_millis(1), LONGEST);
    i64::try_from(crate::clock::millis(life)).unwrap_or(i64::MAX)
}
