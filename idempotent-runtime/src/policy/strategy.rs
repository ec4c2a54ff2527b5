//! The strategies, and in one table everything that the runtime decides by them.

use crate::policy::choices::FingerprintOf;
use crate::policy::statuses::Statuses;

/// The identity of a guarded call, by which its duplicates are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The client chooses the key (draft-ietf-httpapi-idempotency-key-header).
    RequestId,
    /// A token, issued beforehand, is used up by the request.
    Token,
    /// The record commits with what the handler does in the business transaction.
    DedupTable,
    /// A row is locked while the handler works in its transaction.
    RowLock,
    /// A row still has the version that the client saw (optimistic lock).
    Version,
    /// A row goes from one state to another.
    State,
    /// The handler inserts; a unique violation is answered by what is there.
    Unique,
    /// A function runs once for each key (idempotent consumer).
    Message,
    /// Handlers that name the same lock never overlap; nothing is stored.
    Lock,
    /// A safe read is computed once for each key, scope and ttl.
    Cache,
    /// The request is stored as a task and answered with its address; it runs later.
    Async,
}

/// Everything that the runtime decides by the strategy.
#[derive(Debug)]
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "handlers need all of it"))]
pub(crate) struct StrategyTraits {
    pub(crate) guard: GuardPlace,
    pub(crate) identity: Identity,
    /// The scope of a function that names none.
    pub(crate) scope: DefaultScope,
    /// The parts of a request that its repetition must repeat, unless the policy says otherwise.
    pub(crate) fingerprint: FingerprintOf,
    /// The responses that are stored, unless the policy or the handler says otherwise.
    pub(crate) statuses: Statuses,
    pub(crate) keeps: Keeps,
    /// The refusal while others hold the key.
    pub(crate) busy: Busy,
    /// Whether it can guard a whole scope of routes, whose handlers' parameters it does not know.
    pub(crate) guards_scopes: bool,
    /// Whether a key that is claimed in the store, or beside a row, can do without a record.
    pub(crate) record: RecordNeed,
}

/// The fate of a key's record where the app turns records off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordNeed {
    /// There is none, and the request runs without.
    Dispensable,
    /// It is kept all the same: without it something else would break than a retry.
    Kept,
}

/// The place of a strategy's guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardPlace {
    /// The store: the key is held by a lease.
    Lease,
    /// The business transaction of the handler.
    Transaction,
    /// A unique index. The handler's transaction is guarded, if the handler takes one.
    Insert,
    /// The store, for a read: an answer is computed once and read often.
    Cache,
    /// The store, for a task: it is stored now and runs later.
    Task,
}

/// The parts by which a request is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Scope, method, path and key.
    Route,
    /// Scope, operation and token.
    Token,
    /// The name alone: handlers and code that use one name exclude each other.
    Name,
    /// As [`Route`](Self::Route), by an id that its caller can ask for.
    Task,
}

/// The scope of a function that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultScope {
    /// The app's rule decides.
    OfApp,
    /// One for all callers: a lock protects a thing from every caller.
    Global,
}

/// Whether a run's outcome is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// It is, as the policy says.
    Outcome,
    /// Nothing is kept after the run.
    Nothing,
}

/// The refusal of a request while others hold its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// The same request runs: 409 `in-progress`.
    InProgress,
    /// Another request holds the same thing: 423 `locked`.
    Locked,
}

/// The row of the default strategy; the others say in what they differ.
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
    /// Its name, as the attribute takes it.
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
