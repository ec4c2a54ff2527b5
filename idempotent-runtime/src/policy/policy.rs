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

/// The promises of one guarded function; the attribute builds it in a `static`.
///
/// Durations that are not set here are those of the app. Those that are set last at least a millisecond
/// (`wait` may be zero), a lease at least 100, and each at most ten years: a shorter or longer one is brought
/// to that bound.
///
/// Code makes one for a `Middleware`:
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
    /// The second one is refused.
    Refused,
    /// They answer for each other, as both say.
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

    /// The name of the operation. Defaults to none: where a route tells requests apart, a function may
    /// be renamed and keeps its keys.
    #[must_use]
    pub const fn operation(mut self, name: &'static str) -> Self {
        self.operation = Some(name);
        self
    }

    /// Lets other functions have the same operation, if they say so, too. Defaults to refusing them.
    #[must_use]
    pub const fn shared_operation(mut self) -> Self {
        self.sharing = Sharing::Allowed;
        self
    }

    /// The path parameters that the key of an answer reads, if it reads nothing else of the path:
    /// every other parameter of the route's pattern is a mistake. Defaults to not looking.
    #[must_use]
    pub const fn key_paths(mut self, names: &'static [&'static str]) -> Self {
        self.key_paths = Some(names);
        self
    }

    /// The request headers that tell answers apart, in lower case: those that the key reads, and the
    /// scope. An answer whose `Vary` names another one is not kept. Defaults to none.
    #[must_use]
    pub const fn answer_headers(mut self, names: &'static [&'static str]) -> Self {
        self.answer_headers = names;
        self
    }

    /// The operation for people: its name, or the function's.
    pub(crate) fn shown_operation(&self) -> &'static str {
        self.operation.unwrap_or(self.definition.name())
    }

    /// The answer to a duplicate of a finished request. Defaults to its response.
    #[must_use]
    pub const fn on_duplicate(mut self, choice: OnDuplicate) -> Self {
        self.on_duplicate = choice;
        self
    }

    /// The answer to a duplicate while the first runs. Defaults to 409.
    #[must_use]
    pub const fn on_in_flight(mut self, choice: OnInFlight) -> Self {
        self.on_in_flight = choice;
        self
    }

    /// The fate of a key whose owner died. Defaults to running again after the lease.
    #[must_use]
    pub const fn on_abandoned(mut self, choice: OnAbandoned) -> Self {
        self.on_abandoned = choice;
        self
    }

    /// The fate of a request while the store does not answer. Defaults to refusing it.
    #[must_use]
    pub const fn on_store_error(mut self, choice: OnStoreError) -> Self {
        self.on_store_error = choice;
        self
    }

    /// Whether a key must be there. Defaults to required.
    #[must_use]
    pub const fn key_requirement(mut self, choice: KeyRequirement) -> Self {
        self.key_requirement = choice;
        self
    }

    /// The parts that a repeated request must repeat. Defaults to the whole request; to nothing for locks, reads
    /// and messages.
    #[must_use]
    pub const fn fingerprint(mut self, choice: FingerprintOf) -> Self {
        self.fingerprint = choice;
        self
    }

    /// Which responses are stored. Defaults to [`Statuses::DEFAULT`], for reads to
    /// [`Statuses::ANSWERS`].
    #[must_use]
    pub const fn statuses(mut self, statuses: Statuses) -> Self {
        self.statuses = statuses;
        self
    }

    /// Response headers to replay although they look like a credential, or belong to one exchange.
    /// Defaults to none; never `Set-Cookie`.
    #[must_use]
    pub const fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = names;
        self
    }

    /// Response headers that are not replayed, beside those that never are. Defaults to none.
    #[must_use]
    pub const fn drop_headers(mut self, names: &'static [&'static str]) -> Self {
        self.drop_headers = names;
        self
    }

    /// Request headers that the run of a task has, beside `Host`. Defaults to none.
    #[must_use]
    pub const fn task_headers(mut self, names: &'static [&'static str]) -> Self {
        self.task_headers = names;
        self
    }

    /// A template reads a form field, so the body is buffered whatever the fingerprint.
    #[must_use]
    pub const fn reads_form(mut self) -> Self {
        self.reads_form = true;
        self
    }

    /// The `detail` of the answers to duplicates. Defaults to a sentence of ours.
    #[must_use]
    pub const fn message(mut self, text: &'static str) -> Self {
        self.message = Some(text);
        self
    }

    /// How many bytes of a body are buffered. Defaults to the app's, 2 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// How long a finished request is remembered. Defaults to the app's, 24 hours.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(within_bounds(ttl));
        self
    }

    /// How long a run excludes others without being renewed. Defaults to the app's.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease_within_bounds(lease));
        self
    }

    /// How long a duplicate waits for the first to finish. Defaults to the app's, 10 seconds.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = Some(at_most_longest(wait));
        self
    }

    /// The row that guards the handler. Defaults to none.
    #[must_use]
    pub const fn row(mut self, row: Row) -> Self {
        self.row = Some(row);
        self
    }

    /// The index whose violation means that the thing exists. Defaults to any.
    #[must_use]
    pub const fn constraint(mut self, name: &'static str) -> Self {
        self.constraint = Some(name);
        self
    }

    /// How long an answer is read while a new one is computed. Defaults to not at all.
    #[must_use]
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = Some(within_bounds(stale));
        self
    }

    /// The longest distance of the request's timestamp from now. Defaults to no limit.
    #[must_use]
    pub const fn within(mut self, window: Duration) -> Self {
        self.within = Some(within_bounds(window));
        self
    }
}
