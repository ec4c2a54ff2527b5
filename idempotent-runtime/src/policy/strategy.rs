//! The strategies, and a table of everything that the runtime decides by them.

use crate::policy::choices::FingerprintOf;
use crate::policy::statuses::Statuses;

/// The way in which duplicates of a guarded call are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The client chooses the key (draft-ietf-httpapi-idempotency-key-header).
    RequestId,
    /// A token is issued beforehand, and one request uses it up.
    Token,
    /// The record commits together with the handler's work in the business transaction.
    DedupTable,
    /// A row is locked while the handler works in its transaction.
    RowLock,
    /// The row must still have the version that the client saw (optimistic lock).
    Version,
    /// A row goes from one state to another.
    State,
    /// The handler inserts a row. If a unique index is violated, the answer is the row that exists.
    Unique,
    /// A function runs once for each key (idempotent consumer).
    Message,
    /// Handlers that name the same lock never run at the same time. Nothing is stored after a run.
    Lock,
    /// A safe read is computed once for each key, scope and ttl.
    Cache,
    /// The request is stored as a task and answered with its address; it runs later.
    Async,
}

/// Everything that the runtime decides by a strategy.
#[derive(Debug)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "handlers need all of it"))]
pub(crate) struct StrategyTraits {
    pub(crate) guard: GuardPlace,
    pub(crate) identity: Identity,
    /// The scope of a function that sets none.
    pub(crate) scope: DefaultScope,
    /// The parts of a request that a repetition must have, too, unless the policy sets others.
    pub(crate) fingerprint: FingerprintOf,
    /// The responses that are stored, unless the policy or the handler decides otherwise.
    pub(crate) statuses: Statuses,
    pub(crate) keeps: Keeps,
    /// The refusal while others hold the key.
    pub(crate) busy: Busy,
    /// Whether it can guard a whole actix scope, without knowing the parameters of its handlers.
    pub(crate) guards_scopes: bool,
    /// Whether a key works without a record when the app turns records off.
    pub(crate) record: RecordNeed,
}

/// The step for a key's record when the app turns records off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordNeed {
    /// No record is kept, and the request runs without it.
    Dispensable,
    /// The record is kept all the same: without it more would break than a retry.
    Kept,
}

/// The place of a strategy's guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardPlace {
    /// The store: the key is held by a lease.
    Lease,
    /// The business transaction of the handler.
    Transaction,
    /// A unique index. If the handler takes a transaction, that is guarded.
    Insert,
    /// The store, for a read: an answer is computed once, and many requests get it.
    Cache,
    /// The store, for a task: it is stored now, and runs later.
    Task,
}

/// The parts that tell a request from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Scope, method, path and key.
    Route,
    /// Scope, operation and token.
    Token,
    /// Only the name: handlers and code that use the same name exclude each other.
    Name,
    /// The same as [`Route`](Self::Route), by an id that the caller can ask for.
    Task,
}

/// The scope of a function that sets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultScope {
    /// The app's rule decides.
    OfApp,
    /// One scope for all callers, since a lock protects a resource from all of them.
    Global,
}

/// Whether a run's outcome is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// It is kept, as the policy says.
    Outcome,
    /// Nothing is kept after the run.
    Nothing,
}

/// The refusal of a request while others hold its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// The same request runs: 409 `in-progress`.
    InProgress,
    /// Another request holds the same lock or row: 423 `locked`.
    Locked,
}

/// The row of the default strategy. The other rows list only their differences.
const REQUEST_ID: StrategyTraits = StrategyTraits {
    guard: GuardPlace::Lease,
    identity: Identity::Route,
    scope: DefaultScope::OfApp,
    fingerprint: FingerprintOf::Request,
    statuses: Statuses::DEFAULT,
    keeps: Keeps::Outcome,
    busy: Busy::InProgress,
    guards_scopes: true,
    record: RecordNeed::Dispensable,
};
const TOKEN: StrategyTraits =
    StrategyTraits { identity: Identity::Token, record: RecordNeed::Kept, ..REQUEST_ID };
const DEDUP_TABLE: StrategyTraits = StrategyTraits {
    guard: GuardPlace::Transaction,
    guards_scopes: false,
    record: RecordNeed::Kept,
    ..REQUEST_ID
};
const ROW: StrategyTraits = StrategyTraits { record: RecordNeed::Dispensable, ..DEDUP_TABLE };
const ROW_LOCK: StrategyTraits = StrategyTraits { busy: Busy::Locked, ..ROW };
const UNIQUE: StrategyTraits = StrategyTraits { guard: GuardPlace::Insert, ..DEDUP_TABLE };
const MESSAGE: StrategyTraits =
    StrategyTraits { fingerprint: FingerprintOf::Nothing, guards_scopes: false, ..REQUEST_ID };
const LOCK: StrategyTraits = StrategyTraits {
    identity: Identity::Name,
    scope: DefaultScope::Global,
    keeps: Keeps::Nothing,
    busy: Busy::Locked,
    record: RecordNeed::Kept,
    ..MESSAGE
};
const CACHE: StrategyTraits =
    StrategyTraits { guard: GuardPlace::Cache, statuses: Statuses::ANSWERS, ..MESSAGE };
const ASYNC: StrategyTraits = StrategyTraits {
    guard: GuardPlace::Task,
    identity: Identity::Task,
    guards_scopes: false,
    record: RecordNeed::Kept,
    ..REQUEST_ID
};

impl Strategy {
    /// The name in the attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestId => "request_id",
            Self::Token => "token",
            Self::DedupTable => "dedup_table",
            Self::RowLock => "row_lock",
            Self::Version => "version",
            Self::State => "state",
            Self::Unique => "unique",
            Self::Message => "message",
            Self::Lock => "lock",
            Self::Cache => "cache",
            Self::Async => "async",
        }
    }

    pub(crate) const fn traits(self) -> &'static StrategyTraits {
        match self {
            Self::RequestId => &REQUEST_ID,
            Self::Token => &TOKEN,
            Self::DedupTable => &DEDUP_TABLE,
            Self::Version | Self::State => &ROW,
            Self::RowLock => &ROW_LOCK,
            Self::Unique => &UNIQUE,
            Self::Message => &MESSAGE,
            Self::Lock => &LOCK,
            Self::Cache => &CACHE,
            Self::Async => &ASYNC,
        }
    }
}
