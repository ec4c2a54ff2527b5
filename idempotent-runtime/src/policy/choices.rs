//! The choices of a policy.

/// The answer to a duplicate of a finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDuplicate {
    /// The stored response of the first request.
    Replay,
    /// 409 `duplicate`.
    Reject,
    /// Success, if the row already has the next version. Only for `version`.
    Accept,
}

/// The answer to a duplicate while the first request still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnInFlight {
    /// 409 `in-progress` with `Retry-After`.
    Reject,
    /// The duplicate waits until the first request ends, and then counts as a duplicate of a finished request.
    Wait,
}

/// The step after the owner of a key has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnAbandoned {
    /// The next request runs, after the lease.
    Retry,
    /// The next request gets 409 `outcome-unknown`, until a person resolves the key or the record's ttl ends.
    Hold,
}

/// The step for a request while the store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// The request gets 503 `store-unavailable`, and the handler does not run.
    Refuse,
    /// The handler runs unguarded. The run is logged and counted, and its response says
    /// `Idempotency-Stored: false`.
    Run,
}

/// The parts of a request that a repetition must have, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintOf {
    /// Method, path, query and the bytes of the body.
    Request,
    /// The values that the template in the attribute names.
    Template,
    /// Nothing. The body is not buffered.
    Nothing,
}

/// Whether a request without a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRequirement {
    /// 400 `key-missing`.
    Required,
    /// The request runs unguarded.
    Optional,
    /// There is no key: a row or an index is the guard, or the path and query of a read are its key.
    Unkeyed,
}
