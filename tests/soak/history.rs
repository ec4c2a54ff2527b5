//! What clients saw and what was done.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a client was told about a key.
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
    /// It runs elsewhere.
    InProgress,
    /// Its owner died, and a person has to say what became of it.
    OutcomeUnknown,
    /// The store did not answer, and nothing ran.
    Unavailable,
    /// Nobody answered.
    Nothing,
    /// The client left before it was answered.
    Left,
    /// What no client should ever see.
    Other {
        status: u16,
        body: Bytes,
    },
}

/// What is promised about a key that an owner left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// Another run, after the lease.
    Retry,
    /// None, ever.
    Hold,
    /// Another run, after a lease so long that no blow lasts for it. Duplicates wait for a moment.
    Lasting,
}

/// All that is known of one key.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) promise: Promise,
    /// In the order in which clients were told.
    pub(crate) told: Vec<Told>,
    /// The attempts whose handlers began, and those that had their effect, by the business database.
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
    /// Before its claim.
    pub(crate) asked: i64,
    /// After its claim.
    pub(crate) entered: i64,
}

/// A request that was answered, by the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) process: u32,
    /// When it came, and when its handler began.
    pub(crate) asked: i64,
    pub(crate) entered: i64,
    /// When its handler was done, and when its answer left.
    pub(crate) done: i64,
    pub(crate) left: i64,
}

/// What a blow hits: one of the processes, or all that need the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Killed(u32),
    Stopped(u32),
    Store,
}

/// A blow, by the same clock.
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

/// What became of many keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    pub(crate) keys: usize,
    pub(crate) replays: usize,
    pub(crate) in_progress: usize,
    pub(crate) unavailable: usize,
    pub(crate) unanswered: usize,
    pub(crate) left: usize,
    /// Keys that a person has to look at.
    pub(crate) unknown: usize,
    pub(crate) effects: usize,
    /// Keys that had more than one effect, each after an attempt that was abandoned.
    pub(crate) again: usize,
    /// The longest that a request stood at the store before or after its handler, in milliseconds.
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

    /// Whether its end is known, and what a client that asks again is told.
    pub(crate) fn is_settled(&self) -> bool {
        match self.told.last() {
            Some(Told::Replayed { .. } | Told::Ran { stored: true, .. }) => true,
            Some(Told::OutcomeUnknown) => self.promise == Promise::Hold,
            _ => false,
        }
    }
}

impl Served {
    /// From the header in which a process tells it.
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
