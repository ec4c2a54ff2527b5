//! What can happen, and what is told about it.

use idempotent_runtime::policy::{OnAbandoned, OnDuplicate};
use idempotent_runtime::testing::LostPart;
use std::time::Duration;

/// Minutes: nothing that a test does takes one, so what real time passes makes no difference.
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: u64 = 60;

/// How long a lease lasts, a record stays after it, an outcome and a key given back are kept.
///
/// Whole hours, and time passes by hours and a minute: no life ends in the minute it is looked at.
pub(crate) const LEASE: u64 = HOUR;
pub(crate) const KEEP: u64 = 4 * HOUR;
pub(crate) const TTL: u64 = 6 * HOUR;
pub(crate) const GIVEN_BACK: u64 = 3 * HOUR;
pub(crate) const TOKEN: u64 = 2 * HOUR;

/// The keys that everybody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    One,
    Other,
    /// May be claimed once it was issued.
    Token,
    /// Has a line in every process, and attempts that outlive its record.
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
    /// Which of the requests that use this key; another one has no business with it.
    pub(crate) content: u8,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) on_abandoned: OnAbandoned,
}

/// Of the operations in a step, one is lost after so many others.
pub(crate) type Fault = Option<(LostPart, usize)>;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Begin(Request, Fault),
    Issue(Key, Fault),
    /// These are of a run, by its number.
    Complete(usize, Fault),
    Bury(usize, Fault),
    Release(usize, Fault),
    Abandon(usize, Fault),
    Renew(usize, Fault),
    Die(usize),
    /// A process ends with all its runs, and another begins.
    Restart(usize),
    Purge(usize),
    /// So many hours, and a minute.
    Pass(u64),
}

/// What a step's caller is told.
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
    /// And how many minutes the lease holds.
    InProgress(u64),
    InLine,
    Duplicate,
    TokenInvalid,
    OutcomeUnknown,
    NotReplayable,
    /// Whether an outcome is in the store.
    Stored(bool),
    /// Whether a renewed lease is still one's own.
    Held(bool),
    /// Nobody answered.
    Unanswered,
    Issued,
}
