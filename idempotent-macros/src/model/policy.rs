//! The policy of a guarded function.

use crate::model::template::Template;
use crate::strategy::Strategy;
use std::time::Duration;
use syn::{Expr, Ident};

/// The policy that a `static` will hold.
pub(crate) struct Policy {
    /// The function's name.
    pub(crate) function: String,
    /// The operation, if it is named.
    pub(crate) operation: Setting<String>,
    pub(crate) sharing: Sharing,
    pub(crate) strategy: &'static Strategy,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) on_in_flight: OnInFlight,
    pub(crate) on_abandoned: OnAbandoned,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) key_requirement: KeyRequirement,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) statuses: Statuses,
    /// Response headers that are kept although the runtime's list leaves them out, in lower case.
    pub(crate) headers: Vec<String>,
    /// Further response headers that are left out, in lower case.
    pub(crate) drop_headers: Vec<String>,
    /// Request headers that are stored for the run of the task, in lower case.
    pub(crate) task_headers: Vec<String>,
    pub(crate) message: Setting<String>,
    pub(crate) max_body: Setting<usize>,
    pub(crate) ttl: Setting<Duration>,
    pub(crate) lease: Setting<Duration>,
    pub(crate) wait: Setting<Duration>,
    pub(crate) stale: Setting<Duration>,
    /// The durations among these that are constants of the program.
    pub(crate) constants: Vec<Constant>,
}

/// A duration that the compiler knows.
pub(crate) struct Constant {
    /// The argument that it is the value of.
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

/// Whether other functions may have the same operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    Refused,
    Allowed,
}

/// A setting that an app makes for all handlers, and a handler for itself.
#[derive(Clone, Copy)]
pub(crate) enum Setting<T> {
    /// The app's setting applies.
    App,
    /// The attribute sets it.
    Own(T),
}

impl<T> Setting<T> {
    /// The value that the handler sets, or else this one.
    pub(crate) fn or(self, default: T) -> T {
        match self {
            Self::Own(value) => value,
            Self::App => default,
        }
    }
}

/// The answer to a duplicate of a finished request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDuplicate {
    Replay,
    Reject,
    Accept,
}

/// The answer to a duplicate while the first request runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnInFlight {
    Reject,
    Wait,
}

/// The fate of a key whose owner died.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAbandoned {
    Retry,
    Hold,
}

/// The fate of a request while the store does not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStoreError {
    Refuse,
    Run,
}

/// Whether a request without a key is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRequirement {
    Required,
    Optional,
    /// There is no key, and nothing is remembered.
    Unkeyed,
}

/// The part of a request that a repetition must repeat.
pub(crate) enum Fingerprint {
    Request,
    Nothing,
    Template(Template),
}

/// The caller to whom keys and responses belong.
pub(crate) enum Scope {
    /// The app's rule names the caller.
    App,
    /// All callers share one scope.
    Shared,
    /// The template names the caller.
    Template(Template),
}

/// The responses that are stored.
pub(crate) enum Statuses {
    Default,
    /// Inclusive ranges.
    Ranges(Vec<(u16, u16)>),
}
