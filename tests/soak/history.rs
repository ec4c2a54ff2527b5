//! What clients saw and what was done, and whether the two fit together.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

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
}

/// An attempt whose handler began, in milliseconds of one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) attempt: i64,
    /// Before its claim.
    pub(crate) asked: i64,
    /// After its claim.
    pub(crate) entered: i64,
}

/// The lease of every run, less what clocks round.
const LEASE: i64 = 1_000 - 20;

/// What became of many keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    pub(crate) keys: usize,
    pub(crate) replays: usize,
    pub(crate) in_progress: usize,
    pub(crate) unavailable: usize,
    pub(crate) unanswered: usize,
    /// Keys that a person has to look at.
    pub(crate) unknown: usize,
    pub(crate) effects: usize,
    /// Keys that had more than one effect, each after an attempt that was abandoned.
    pub(crate) again: usize,
}

impl Life {
    pub(crate) fn new(promise: Promise) -> Self {
        Self {
            promise,
            told: Vec::new(),
            entered: Vec::new(),
            effects: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Everything that is wrong with it.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut unless = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        for (what, attempts) in [("began", &self.entered), ("had its effect", &self.effects)] {
            let distinct: BTreeSet<_> = attempts.iter().collect();
            unless(
                distinct.len() == attempts.len(),
                format!("an attempt {what} twice: {attempts:?}"),
            );
        }
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        for pair in spans.windows(2) {
            // Nobody gives a key back here, so only the end of the lease frees it.
            let excluded = pair[1].entered >= pair[0].asked + LEASE;
            unless(excluded, format!("two attempts within one lease: {pair:?}"));
        }
        if self.promise == Promise::Hold {
            unless(self.entered.len() <= 1, format!("it was held and ran: {:?}", self.entered));
        }
        for told in &self.told {
            unless(!matches!(told, Told::Other { .. }), format!("a client saw {told:?}"));
            let unknown = *told == Told::OutcomeUnknown;
            unless(!unknown || self.promise == Promise::Hold, "it was not to be held".to_owned());
        }
        let stored = self.stored();
        unless(stored.len() <= 1, format!("stored answers differ: {stored:?}"));
        if let Some(body) = stored.first() {
            let attempt = attempt(body);
            let last = self.entered.iter().copied().max();
            unless(attempt == last, format!("{body:?} is stored, and attempt {last:?} ran"));
            let has = attempt.is_some_and(|attempt| self.effects.contains(&attempt));
            unless(has, format!("{body:?} is stored without an effect"));
        }
        faults
    }

    /// Whether its end is known, and what a client that asks again is told.
    pub(crate) fn is_settled(&self) -> bool {
        match self.told.last() {
            Some(Told::Replayed { .. } | Told::Ran { stored: true, .. }) => true,
            Some(Told::OutcomeUnknown) => self.promise == Promise::Hold,
            _ => false,
        }
    }

    /// The different responses that are or were said to be stored.
    fn stored<'a>(&'a self) -> BTreeSet<&'a Bytes> {
        let stored = |told: &'a Told| match told {
            Told::Ran { body, stored: true } | Told::Replayed { body } => Some(body),
            _ => None,
        };
        self.told.iter().filter_map(stored).collect()
    }
}

/// The attempt that a response names.
fn attempt(body: &Bytes) -> Option<i64> {
    serde_json::from_slice::<serde_json::Value>(body).ok()?["attempt"].as_i64()
}

impl Sums {
    pub(crate) fn of(lives: &BTreeMap<String, Life>) -> Self {
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
                    _ => {}
                }
            }
        }
        sums
    }
}

/// A checker that finds nothing proves nothing: each line of this is a history that must not be.
#[test]
fn what_must_not_be_is_found() {
    use Promise::{Hold, Retry};

    let body = |attempt: i64| Bytes::from(format!(r#"{{"attempt":{attempt}}}"#));
    let ran = |attempt, stored| Told::Ran { body: body(attempt), stored };
    let replayed = |attempt| Told::Replayed { body: body(attempt) };
    let life = |promise, told: &[Told], entered: &[i64], effects: &[i64]| Life {
        promise,
        told: told.to_vec(),
        entered: entered.to_vec(),
        effects: effects.to_vec(),
        spans: Vec::new(),
    };
    let spans = |second: i64| {
        let span = |attempt, at| Span { attempt, asked: at, entered: at + 5 };
        let told = [Told::Nothing, ran(2, true)];
        Life { spans: vec![span(2, second), span(1, 0)], ..life(Retry, &told, &[1, 2], &[1, 2]) }
    };
    for good in [
        life(Retry, &[ran(1, true), replayed(1)], &[1], &[1]),
        life(Retry, &[Told::Nothing, Told::InProgress, ran(2, true)], &[1, 2], &[1, 2]),
        life(Retry, &[ran(1, false), ran(2, true), replayed(2)], &[1, 2], &[1, 2]),
        life(Hold, &[Told::Nothing, Told::OutcomeUnknown], &[1], &[]),
        spans(1_000),
    ] {
        assert_eq!((good.faults(), good.is_settled()), (vec![], true), "{good:?}");
    }
    for bad in [
        life(Retry, &[ran(1, true), ran(1, true)], &[1, 1], &[1, 1]),
        life(Retry, &[ran(1, true), ran(2, true)], &[1, 2], &[1, 2]),
        life(Retry, &[ran(1, true), replayed(2)], &[1, 2], &[1, 2]),
        // The same attempt in other words.
        life(
            Retry,
            &[ran(1, true), Told::Replayed { body: r#"{"attempt": 1}"#.into() }],
            &[1],
            &[1],
        ),
        // It ran after it was stored, and the client of that run was never answered.
        life(Retry, &[ran(1, true), replayed(1)], &[1, 2], &[1]),
        life(Retry, &[replayed(1)], &[1], &[]),
        life(Retry, &[Told::OutcomeUnknown], &[1], &[1]),
        life(Retry, &[Told::Other { status: 500, body: Bytes::new() }], &[1], &[1]),
        life(Hold, &[ran(1, false), ran(2, true)], &[1, 2], &[2]),
        spans(900),
    ] {
        assert!(!bad.faults().is_empty(), "{bad:?}");
    }
    for unsettled in [&[][..], &[Told::InProgress], &[ran(1, false)], &[Told::Unavailable]] {
        assert!(!life(Retry, unsettled, &[], &[]).is_settled(), "{unsettled:?}");
    }
}
