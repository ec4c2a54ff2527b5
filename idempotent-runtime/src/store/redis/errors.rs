//! Sorts the errors of the client library into those of a store.

use crate::error::{StoreError, StoreErrorKind};
use ::redis::{ErrorKind, RedisError};

/// The store's error of an operation that failed with this one.
pub(super) fn failed(operation: &'static str, error: RedisError) -> StoreError {
    let kind = match (error.kind(), error.code()) {
        _ if error.is_timeout() => StoreErrorKind::Timeout,
        (_, Some("WRONGTYPE")) | (ErrorKind::UnexpectedReturnType, _) => StoreErrorKind::Corrupt,
        _ if is_read_only(&error) => StoreErrorKind::Unavailable,
        // An answer that was cut does not parse; it says nothing about the record.
        (ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound, _)
        | (_, Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "NOREPLICAS")) => {
            StoreErrorKind::Unavailable
        }
        _ => StoreErrorKind::Rejected,
    };
    StoreError::new(kind, operation).because(error)
}

/// Whether the server became a replica.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}

/// Whether the server does not know this form of a command.
pub(super) fn is_unknown_syntax(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("syntax"))
}
