//! Sorts the errors of the client library into those of a store.

use crate::error::{StoreError, StoreErrorKind};
use sqlx::error::DatabaseError;
use std::io::ErrorKind;
use std::sync::Arc;

#[cfg(feature = "mysql")]
use sqlx::mysql::MySqlDatabaseError;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgDatabaseError;
#[cfg(feature = "sqlite")]
use sqlx::sqlite::SqliteError;

/// The store's error of an operation that failed with this one.
pub(crate) fn failed(operation: &'static str, error: impl Into<Arc<sqlx::Error>>) -> StoreError {
    let error = error.into();
    let words = match &*error {
        sqlx::Error::Database(refusal) => Some(words(&**refusal)),
        _ => None,
    };
    let failed = StoreError::new(kind(&error), operation).because(error);
    match words {
        Some(words) => failed.in_words(words),
        None => failed,
    }
}

/// Says of a table that could not be created how to create it by hand.
pub(crate) fn table_missing(error: StoreError, schema: &str) -> StoreError {
    if error.is_transient() {
        return error;
    }
    error.explained(|why| {
        format!("{why}; let somebody who may create the table of records, or allow this user to:\n{schema}")
    })
}

/// Says of a table that does not do what is asked of it what it is to be.
pub(crate) fn table_unfit(error: StoreError, schema: &str) -> StoreError {
    if error.is_transient() {
        return error;
    }
    error.explained(|why| {
        format!(
            "{why}; `idempotency_records` is another table than this one, or this user may not read, insert, \
             update and delete in it:\n{schema}"
        )
    })
}

/// The words of a database, and the code that can be looked up; not its detail, which quotes values.
fn words(refusal: &(dyn DatabaseError + 'static)) -> String {
    let code = refusal.code().unwrap_or_default();
    #[cfg(feature = "mysql")]
    if let Some(refusal) = refusal.try_downcast_ref::<MySqlDatabaseError>() {
        return format!("{} ({}, {code})", refusal.message(), refusal.number());
    }
    let said = format!("{} ({code})", refusal.message());
    #[cfg(feature = "postgres")]
    if let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() {
        match refusal.code() {
            ABORTED => {
                let why = "an earlier statement failed, and the handler did not return its error";
                return format!("{said}: {why}");
            }
            IDLE => {
                let why = "the handler took too long between two statements, or after the last one";
                return format!("{said}: {why}");
            }
            _ => {}
        }
    }
    said
}

/// `PostgreSQL` takes no statement after one that failed, and commits nothing of that transaction.
#[cfg(feature = "postgres")]
const ABORTED: &str = "25P02";

/// `PostgreSQL` closed the connection, because too much time passed between two statements of a transaction.
#[cfg(feature = "postgres")]
const IDLE: &str = "25P03";

/// Whether the connection that gave this error can be used again.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn is_reusable_after(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => {
            !matches!(kind(error), StoreErrorKind::Unavailable | StoreErrorKind::Aborted)
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        _ => false,
    }
}

fn kind(error: &sqlx::Error) -> StoreErrorKind {
    match error {
        sqlx::Error::PoolTimedOut => StoreErrorKind::Timeout,
        sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => StoreErrorKind::Timeout,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreErrorKind::Corrupt,
        sqlx::Error::Configuration(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::TypeNotFound { .. } => StoreErrorKind::Rejected,
        sqlx::Error::Database(refusal) => refused(&**refusal),
        _ => StoreErrorKind::Unavailable,
    }
}

/// The databases use the same codes for different things, so each has a list of its own.
fn refused(error: &(dyn DatabaseError + 'static)) -> StoreErrorKind {
    #[cfg(feature = "sqlite")]
    if let Some(error) = error.try_downcast_ref() {
        return refused_by_sqlite(error);
    }
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref() {
        return refused_by_postgres(error);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref() {
        return refused_by_mysql(error);
    }
    StoreErrorKind::Unavailable
}

/// The codes are listed at <https://www.sqlite.org/rescode.html>. What is not known to stay may pass: a full
/// disk, a file that cannot be opened, memory that is short.
#[cfg(feature = "sqlite")]
fn refused_by_sqlite(error: &SqliteError) -> StoreErrorKind {
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        // It waited for the write of another process.
        Some(5 | 6) => StoreErrorKind::Busy,
        Some(18) => StoreErrorKind::TooLarge,
        // A statement, a permission, a damaged file, a constraint.
        Some(1 | 3 | 11 | 19 | 20 | 21 | 23 | 25 | 26) => StoreErrorKind::Rejected,
        _ => StoreErrorKind::Unavailable,
    }
}

/// The codes are listed at <https://www.postgresql.org/docs/current/errcodes-appendix.html>. What is not known
/// to stay may pass: it stops, starts, has too many clients or no room, or became a replica.
#[cfg(feature = "postgres")]
fn refused_by_postgres(error: &PgDatabaseError) -> StoreErrorKind {
    match error.code() {
        // Others hold a lock, or one of several had to give way.
        "40001" | "40P01" | "55P03" => StoreErrorKind::Busy,
        "57014" => StoreErrorKind::Timeout,
        "22001" | "54000" => StoreErrorKind::TooLarge,
        ABORTED | IDLE => StoreErrorKind::Aborted,
        code if is_permanent(code) => StoreErrorKind::Rejected,
        _ => StoreErrorKind::Unavailable,
    }
}

/// The codes are listed at <https://mariadb.com/kb/en/mariadb-error-code-reference/>. What is not known to stay
/// may pass: a full disk or table, a shutdown, a killed connection, a server that became a replica.
#[cfg(feature = "mysql")]
fn refused_by_mysql(error: &MySqlDatabaseError) -> StoreErrorKind {
    match error.number() {
        // A lock took too long, a deadlock, or a row that changed meanwhile.
        1205 | 1213 | 1020 => StoreErrorKind::Busy,
        // The server's own limit on statements.
        1969 | 3024 => StoreErrorKind::Timeout,
        // A packet, a row or a column is too long.
        1153 | 1301 | 1118 | 1406 => StoreErrorKind::TooLarge,
        // Too many clients, in the class of what is not allowed.
        1203 | 1226 => StoreErrorKind::Unavailable,
        // A savepoint of ours is gone, and its transaction with it: after a deadlock, or a commit in the middle.
        1305 if error.message().contains("idempotent_handler") => StoreErrorKind::Aborted,
        _ if error.code().is_some_and(is_permanent) => StoreErrorKind::Rejected,
        _ => StoreErrorKind::Unavailable,
    }
}

/// Whether an SQLSTATE is of a class that says the same the next time: a feature that is missing, data, a constraint,
/// credentials, a database or schema that is missing, a statement that is wrong or not allowed, a limit.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn is_permanent(state: &str) -> bool {
    let class = state.get(..2).unwrap_or_default();
    matches!(class, "0A" | "21" | "22" | "23" | "28" | "3D" | "3F" | "42" | "54")
}
