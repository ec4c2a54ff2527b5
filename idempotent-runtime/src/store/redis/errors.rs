//! Sorts the errors of the client library into those of a store.

use crate::error::{StoreError, StoreErrorKind};
use ::redis::{ErrorKind, RedisError};

/// The store's error for an operation that failed with this error of the client.
///
/// An error counts as temporary unless it is known to be permanent: a server may have no memory now, a script may
/// run too long, a replica may become a master, and later servers may have new errors.
pub(super) fn failed(operation: &'static str, error: RedisError) -> StoreError {
    let kind = match (error.kind(), error.code()) {
        _ if error.is_timeout() => StoreErrorKind::Timeout,
        (_, Some("WRONGTYPE")) | (ErrorKind::UnexpectedReturnType, _) => StoreErrorKind::Corrupt,
        (ErrorKind::InvalidClientConfig | ErrorKind::AuthenticationFailed, _)
        | (_, Some("NOAUTH" | "WRONGPASS" | "NOPERM" | "CROSSSLOT")) => StoreErrorKind::Rejected,
        (_, Some("EXECABORT")) if is_forbidden(&error) => StoreErrorKind::Rejected,
        (_, Some("ERR")) => refused(error.detail().unwrap_or_default()),
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, operation).because(error)
}

/// Whether a transaction was aborted because one of its commands is forbidden to this user.
fn is_forbidden(error: &RedisError) -> bool {
    let refusals = error.clone().into_server_errors();
    refusals.is_some_and(|refusals| refusals.iter().any(|(_, refusal)| refusal.code() == "NOPERM"))
}

/// The kind of a refusal with the code `ERR`. The code alone says little, so its text is read.
fn refused(detail: &str) -> StoreErrorKind {
    let says = |words: &str| detail.contains(words);
    if says("invalid bulk length") || says("exceeds maximum allowed size") {
        StoreErrorKind::TooLarge
    } else if says("syntax error") || says("unknown command") || says("invalid password") {
        StoreErrorKind::Rejected
    } else {
        StoreErrorKind::Unavailable
    }
}

/// Whether the server refused to write and can still be read: it lacks memory, a disk or replicas, or is a
/// replica.
pub(super) fn refuses_writes(error: &RedisError) -> bool {
    matches!(error.code(), Some("OOM" | "READONLY" | "MISCONF" | "NOREPLICAS"))
}

/// Whether the server became a replica.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}

/// Whether the server does not know this form of a command.
pub(super) fn is_unknown_syntax(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("syntax"))
}

/// Whether the server does not have this script: it was not sent before, or the server forgot it.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

/// The error for a URL that cannot be used.
pub(super) fn unusable(why: impl Into<String>) -> RedisError {
    (ErrorKind::InvalidClientConfig, "the URL cannot be used", why.into()).into()
}
