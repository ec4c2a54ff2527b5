//! Turns errors of the client library into errors of the store.

use crate::error::{StoreError, StoreErrorKind};
use zookeeper_client::Error;

/// The store's error for an operation that failed with this error.
pub(super) fn failed(operation: &'static str, error: Error) -> StoreError {
    let kind = match error {
        Error::Timeout => StoreErrorKind::Timeout,
        Error::NoAuth
        | Error::AuthFailed
        | Error::InvalidAcl
        | Error::BadArguments(_)
        | Error::Unimplemented => StoreErrorKind::Rejected,
        Error::UnmarshalError { .. } => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, operation).because(error)
}

/// Whether sending it again can help: the server was busy, or the connection broke before the answer. The
/// library has several errors for that. It connects again by itself, and ends the session if it cannot.
pub(super) fn is_transient(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionLoss
            | Error::Custom(_)
            | Error::UnexpectedError(_)
            | Error::SessionMoved
            | Error::Throttled
    )
}
