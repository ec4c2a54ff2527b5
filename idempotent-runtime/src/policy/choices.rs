//! The choices of a policy.

/// The answer to a duplicate of a finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDuplicate {
    /// The first response again.
    Replay,
    /// 409 `duplicate`.
    Reject,
    /// Success, if the row already has the next version: for `version` alone.
    Accept,
}

/// The answer to a duplicate while the first request still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnInFlight {
    /// 409 `in-progress` with `Retry-After`.
    Reject,
    /// It waits for the first to finish, then is a duplicate of a finished request.
    Wait,
}

/// The fate of a key whose owner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnAbandoned {
    /// After the lease the next request runs again.
    Retry,
    /// 409 `outcome-unknown` until a person resolves it or the record's ttl ends.
    Hold,
}

/// The fate of a request while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// 503 `store-unavailable`; the handler does not run.
    Refuse,
    /// It runs unguarded, is logged and counted, and says `Idempotency-Stored: false`.
    Run,
}

/// The parts of a request that its repetition must repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintOf {
    /// Method, path, query and the bytes of the body.
    Request,
    /// The values that the attribute's template names.
    Template,
    /// Nothing; the body is not buffered.
    Nothing,
}

/// Whether a request without a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRequirement {
    /// 400 `key-missing`.
    Required,
    /// It runs unguarded.
    Optional,
    /// There is none: a row or an index is the guard, or a read's path and query are its key.
    Unkeyed,
}
