//! The history: answers that clients saw, and effects.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The answer to a client about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A handler ran for this very request; whether its response was stored, too.
    Ran {
        body: Bytes,
        stored: bool,
    },
    Replayed {
        body: Bytes,
    },
    /// The request runs elsewhere.
    InProgress,
    /// The owner died, and an operator has to say whether it happened.
    OutcomeUnknown,
    /// The store did not answer, and nothing ran.
    Unavailable,
    /// There was no answer.
    Nothing,
    /// The client left before it was answered.
    Left,
    /// An answer that no client should ever get.
    Other {
        status: u16,
        body: Bytes,
    },
}

/// The promise about a key whose owner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// Another run, after the lease.
    Retry,
    /// None, ever.
    Hold,
    /// Another run, after a lease that is longer than any blow. Duplicates wait for a moment.
    Lasting,
}

/// The history of one key.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) promise: Promise,
    /// The answers, in the order in which clients got them.
    pub(crate) told: Vec<Told>,
    /// The attempts whose handlers began, and those that had their effect, according to the business database.
    pub(crate) entered: Vec<i64>,
    pub(crate) effects: Vec<i64>,
    pub(crate) spans: Vec<Span>,
    pub(crate) served: Vec<Served>,
}

/// An attempt whose handler began, in milliseconds of the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) attempt: i64,
    pub(crate) process: u32,
    /// A time before its claim.
    pub(crate) asked: i64,
    /// A time after its claim.
    pub(crate) entered: i64,
}

/// A request that was answered, with times of the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) process: u32,
    /// The times when it came, and when its handler began.
    pub(crate) asked: i64,
    pub(crate) entered: i64,
    /// The times when its handler was done, and when its answer was sent.
    pub(crate) done: i64,
    pub(crate) left: i64,
}

/// The victim of a blow: one of the processes, or both, because they need the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Killed(u32),
    Stopped(u32),
    Store,
}

/// A blow, with times of the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) hit: Hit,
    pub(crate) began: i64,
    pub(crate) ended: i64,
}

/// The host's clock, in milliseconds.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(now.as_millis()).expect("it is earlier than the end of time")
}

/// The numbers of many keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    pub(crate) keys: usize,
    pub(crate) replays: usize,
    pub(crate) in_progress: usize,
    pub(crate) unavailable: usize,
    pub(crate) unanswered: usize,
    pub(crate) left: usize,
    /// Keys that are held for an operator.
    pub(crate) unknown: usize,
    pub(crate) effects: usize,
    /// Keys that had more than one effect, each after an attempt that was abandoned.
    pub(crate) again: usize,
    /// The longest time that a request waited for the store before or after its handler, in milliseconds.
    pub(crate) longest_wait: i64,
}

impl Life {
    pub(crate) fn new(promise: Promise) -> Self {
        Self {
            promise,
            told: Vec::new(),
            entered: Vec::new(),
            effects: Vec::new(),
            spans: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Whether the key is settled: the next request gets its final answer.
    pub(crate) fn is_settled(&self) -> bool {
        match self.told.last() {
            Some(Told::Replayed { .. } | Told::Ran { stored: true, .. }) => true,
            Some(Told::OutcomeUnknown) => self.promise == Promise::Hold,
            _ => false,
        }
    }
}

impl Served {
    /// Reads the times from the header of an answer.
    pub(crate) fn read(told: &str) -> Option<Self> {
        let (process, times) = told.split_once(' ')?;
        let times: Vec<i64> = times.split(' ').filter_map(|time| time.parse().ok()).collect();
        let &[asked, entered, done, left] = &times[..] else { return None };
        Some(Self { process: process.parse().ok()?, asked, entered, done, left })
    }
}

impl Sums {
    pub(crate) fn of(lives: &BTreeMap<String, Life>, troubles: &[Trouble]) -> Self {
        let mut sums = Self { keys: lives.len(), ..Self::default() };
        for life in lives.values() {
            sums.requests += life.told.len();
            sums.effects += life.effects.len();
            sums.again += usize::from(life.effects.len() > 1);
            sums.unknown += usize::from(life.told.last() == Some(&Told::OutcomeUnknown));
            for told in &life.told {
                match told {
                    Told::Replayed { .. } => sums.replays += 1,
                    Told::InProgress => sums.in_progress += 1,
                    Told::Unavailable => sums.unavailable += 1,
                    Told::Nothing => sums.unanswered += 1,
                    Told::Left => sums.left += 1,
                    _ => {}
                }
            }
            let waits = life.served.iter().flat_map(|served| served.waits(troubles));
            sums.longest_wait = waits.fold(sums.longest_wait, i64::max);
        }
        sums
    }
}
