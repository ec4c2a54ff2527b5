//! The promises of one guarded function, built at compile time.

use crate::policy::choices::{
    FingerprintOf, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError,
};
use crate::policy::definition::Definition;
use crate::policy::limits::{at_most_longest, lease_within_bounds, within_bounds};
use crate::policy::row::Row;
use crate::policy::statuses::Statuses;
use crate::policy::strategy::Strategy;
use std::time::Duration;

/// The promises of one guarded function. The attribute builds it in a `static`.
///
/// A duration that is not set here is the app's. The least is a millisecond (`wait` may be zero), for a lease
/// 100 milliseconds; the greatest is ten years. A shorter or longer duration is changed to that limit.
///
/// For a `Middleware`, code builds it:
///
/// ```
/// use idempotent_runtime::policy::{OnInFlight, Policy, Strategy};
/// use std::time::Duration;
///
/// static WRITES: Policy = Policy::of_routes(Strategy::RequestId)
///     .ttl(Duration::from_hours(48))
///     .on_in_flight(OnInFlight::Wait)
///     .wait(Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub(crate) definition: Definition,
    pub(crate) operation: Option<&'static str>,
    pub(crate) sharing: Sharing,
    pub(crate) key_paths: Option<&'static [&'static str]>,
    pub(crate) answer_headers: &'static [&'static str],
    pub(crate) strategy: Strategy,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) on_in_flight: OnInFlight,
    pub(crate) on_abandoned: OnAbandoned,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) key_requirement: KeyRequirement,
    pub(crate) fingerprint: FingerprintOf,
    pub(crate) statuses: Statuses,
    pub(crate) headers: &'static [&'static str],
    pub(crate) drop_headers: &'static [&'static str],
    pub(crate) task_headers: &'static [&'static str],
    pub(crate) reads_form: bool,
    pub(crate) message: Option<&'static str>,
    pub(crate) max_body: Option<usize>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) lease: Option<Duration>,
    pub(crate) wait: Option<Duration>,
    pub(crate) within: Option<Duration>,
    pub(crate) stale: Option<Duration>,
    pub(crate) row: Option<Row>,
    pub(crate) constraint: Option<&'static str>,
}

/// Whether two functions may have one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The second function is refused.
    Refused,
    /// The functions answer for each other. Both policies say so.
    Allowed,
}

impl Policy {
    /// The defaults of a strategy for this function.
    #[must_use]
    pub const fn new(definition: Definition, strategy: Strategy) -> Self {
        Self {
            definition,
            operation: None,
            sharing: Sharing::Refused,
            key_paths: None,
            answer_headers: &[],
            strategy,
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Retry,
            on_store_error: OnStoreError::Refuse,
            key_requirement: KeyRequirement::Required,
            fingerprint: strategy.traits().fingerprint,
            statuses: strategy.traits().statuses,
            headers: &[],
            drop_headers: &[],
            task_headers: &[],
            reads_form: false,
            message: None,
            max_body: None,
            ttl: None,
            lease: None,
            wait: None,
            within: None,
            stale: None,
            row: None,
            constraint: None,
        }
    }

    /// The defaults of a strategy for whole scopes: each route is an operation of its own.
    #[must_use]
    pub const fn of_routes(strategy: Strategy) -> Self {
        Self::new(Definition::new("", "", ""), strategy)
    }

    /// Sets the name of the operation. Defaults to none: if a route tells requests apart, a function can be
    /// renamed and keeps its keys.
    #[must_use]
    pub const fn operation(mut self, name: &'static str) -> Self {
        self.operation = Some(name);
        self
    }

    /// Allows other functions to have the same operation, if their policies allow it, too. Defaults to
    /// refusing them.
    #[must_use]
    pub const fn shared_operation(mut self) -> Self {
        self.sharing = Sharing::Allowed;
        self
    }

    /// Sets the path parameters that the key of an answer reads. Every other parameter in the route's pattern
    /// is then a mistake. Defaults to no check.
    #[must_use]
    pub const fn key_paths(mut self, names: &'static [&'static str]) -> Self {
        self.key_paths = Some(names);
        self
    }

    /// Sets the request headers that tell answers apart, in lower case: those that the key and the scope
    /// read. An answer whose `Vary` names another header is not kept. Defaults to none.
    #[must_use]
    pub const fn answer_headers(mut self, names: &'static [&'static str]) -> Self {
        self.answer_headers = names;
        self
    }

    /// The operation, as people see it: its name, or the function's.
    pub(crate) fn shown_operation(&self) -> &'static str {
        self.operation.unwrap_or(self.definition.name())
    }

    /// Sets the answer to a duplicate of a finished request. Defaults to the stored response.
    #[must_use]
    pub const fn on_duplicate(mut self, choice: OnDuplicate) -> Self {
        self.on_duplicate = choice;
        self
    }

    /// Sets the answer to a duplicate while the first request runs. Defaults to 409.
    #[must_use]
    pub const fn on_in_flight(mut self, choice: OnInFlight) -> Self {
        self.on_in_flight = choice;
        self
    }

    /// Sets the step after the owner of a key has died. Defaults to a new run after the lease.
    #[must_use]
    pub const fn on_abandoned(mut self, choice: OnAbandoned) -> Self {
        self.on_abandoned = choice;
        self
    }

    /// Sets the step for a request while the store does not answer. Defaults to 503.
    #[must_use]
    pub const fn on_store_error(mut self, choice: OnStoreError) -> Self {
        self.on_store_error = choice;
        self
    }

    /// Sets whether a request needs a key. Defaults to required.
    #[must_use]
    pub const fn key_requirement(mut self, choice: KeyRequirement) -> Self {
        self.key_requirement = choice;
        self
    }

    /// Sets the parts that a repetition must have, too. Defaults to the whole request; to nothing for locks,
    /// reads and messages.
    #[must_use]
    pub const fn fingerprint(mut self, choice: FingerprintOf) -> Self {
        self.fingerprint = choice;
        self
    }

    /// Sets the responses that are stored. Defaults to [`Statuses::DEFAULT`], for reads to
    /// [`Statuses::ANSWERS`].
    #[must_use]
    pub const fn statuses(mut self, statuses: Statuses) -> Self {
        self.statuses = statuses;
        self
    }

    /// Sets response headers that are replayed although they look like a credential, or belong to one
    /// exchange. Defaults to none. `Set-Cookie` is never replayed.
    #[must_use]
    pub const fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = names;
        self
    }

    /// Sets response headers that are not replayed, besides those that never are. Defaults to none.
    #[must_use]
    pub const fn drop_headers(mut self, names: &'static [&'static str]) -> Self {
        self.drop_headers = names;
        self
    }

    /// Sets request headers that are kept for the run of a task, besides `Host`. Defaults to none.
    #[must_use]
    pub const fn task_headers(mut self, names: &'static [&'static str]) -> Self {
        self.task_headers = names;
        self
    }

    /// Says that a template reads a form field, so that the body is buffered even if the fingerprint does not
    /// need it.
    #[must_use]
    pub const fn reads_form(mut self) -> Self {
        self.reads_form = true;
        self
    }

    /// Sets the `detail` of the answers to duplicates. Defaults to a sentence of ours.
    #[must_use]
    pub const fn message(mut self, text: &'static str) -> Self {
        self.message = Some(text);
        self
    }

    /// Sets the most bytes of a body that are buffered. Defaults to the app's, 2 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Sets how long a finished request is remembered. Defaults to the app's, 24 hours.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(within_bounds(ttl));
        self
    }

    /// Sets how long a run excludes others unless its lease is renewed. Defaults to the app's, one minute.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease_within_bounds(lease));
        self
    }

    /// Sets how long a duplicate waits for the first request to end. Defaults to the app's, 10 seconds.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(at_most_longest(wait));
        self
    }

    /// Sets the row that guards the handler. Defaults to none.
    #[must_use]
    pub const fn row(mut self, row: Row) -> Self {
        self.row = Some(row);
        self
    }

    /// Sets the unique index or constraint whose violation means that the row exists already. Defaults to any.
    #[must_use]
    pub const fn constraint(mut self, name: &'static str) -> Self {
        self.constraint = Some(name);
        self
    }

    /// Sets how long an old answer may still be read while a new one is computed. Defaults to not at all.
    #[must_use]
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = Some(within_bounds(stale));
        self
    }

    /// Sets the greatest difference between the request's timestamp and now. Defaults to no limit.
    #[must_use]
    pub const fn within(mut self, window: Duration) -> Self {
        self.within = Some(within_bounds(window));
        self
    }
}
