//! The steps, and the answers to them.

use idempotent_runtime::policy::{OnAbandoned, OnDuplicate};
use idempotent_runtime::testing::LostPart;
use std::time::Duration;

/// The unit of time. No test takes a minute, so the real time that passes makes no difference.
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: u64 = 60;

/// The lengths of a lease, of a record after it, of an outcome, and of a key that was given back.
///
/// They are whole hours, and time passes by hours and a minute, so no life ends in the minute of a look.
pub(crate) const LEASE: u64 = HOUR;
pub(crate) const KEEP: u64 = 4 * HOUR;
pub(crate) const TTL: u64 = 6 * HOUR;
pub(crate) const GIVEN_BACK: u64 = 3 * HOUR;
pub(crate) const TOKEN: u64 = 2 * HOUR;

/// The keys that all requests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    One,
    Other,
    /// A token, which can be claimed after it was issued.
    Token,
    /// A lock, which has a line in every process, and attempts that outlive its record.
    Lock,
}

pub(crate) const KEYS: [Key; 4] = [Key::One, Key::Other, Key::Token, Key::Lock];

/// Two processes on one store.
pub(crate) const PROCESSES: usize = 2;

/// A request for a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) process: usize,
    pub(crate) key: Key,
    /// The request that uses this key. A second request with the same key is another one.
    pub(crate) content: u8,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) on_abandoned: OnAbandoned,
}

/// One operation of a step is lost, after this number of others.
pub(crate) type Fault = Option<(LostPart, usize)>;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Begin(Request, Fault),
    Issue(Key, Fault),
    /// The following steps are of a run, by its number.
    Complete(usize, Fault),
    Bury(usize, Fault),
    Release(usize, Fault),
    Abandon(usize, Fault),
    Renew(usize, Fault),
    Die(usize),
    /// A process ends with all of its runs, and another one starts.
    Restart(usize),
    Purge(usize),
    /// This number of hours, and a minute.
    Pass(u64),
}

/// The answer to a step's caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    Ran {
        run: usize,
        attempt: u64,
    },
    Replayed {
        run: usize,
    },
    KeyReused,
    /// The minutes for which the lease still holds.
    InProgress(u64),
    InLine,
    Duplicate,
    TokenInvalid,
    OutcomeUnknown,
    NotReplayable,
    /// Whether an outcome is in the store.
    Stored(bool),
    /// Whether a renewed lease is still the caller's.
    Held(bool),
    /// There was no answer.
    Unanswered,
    Issued,
}
