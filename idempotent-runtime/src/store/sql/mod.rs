//! Records in a database; the statements of each are beside their store.

pub(crate) mod sqlite;

pub use sqlite::SqliteStore;

use crate::error::{StoreError, StoreErrorKind};
use sqlx::error::DatabaseError;
use std::sync::Arc;

/// Sorts the client library's errors into ours.
pub(crate) fn failed(operation: &'static str, error: impl Into<Arc<sqlx::Error>>) -> StoreError {
    let error = error.into();
    let kind = match &*error {
        sqlx::Error::PoolTimedOut => StoreErrorKind::Timeout,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Corrupt,
        sqlx::Error::Database(refusal) if is_busy(&**refusal) => StoreErrorKind::Busy,
        sqlx::Error::Database(_) => StoreErrorKind::Rejected,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, operation).because(error)
}

/// Whether `SQLite` gave up waiting for another process's write (`SQLITE_BUSY`, `SQLITE_LOCKED`).
fn is_busy(error: &dyn DatabaseError) -> bool {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}
