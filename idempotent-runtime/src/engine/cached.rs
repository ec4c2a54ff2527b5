//! Answers that were computed once and are read often: looking them up, replacing and forgetting them.
//!
//! The first computation is a run like any other, under the record's own lease. A later one leaves
//! the record as it is, for others to read meanwhile, and exchanges it at the end against the very
//! bytes it found at the start: whatever was forgotten in between is not brought back.

use crate::engine::engine::Engine;
use crate::engine::fair_queue::Front;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::inspect::given_back;
use crate::engine::lease::decode;
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, StorageKey};
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::DefinitionId;
use crate::store::record::{Origin, Owner, Record, State, sealed};
use crate::store::{Entry, Label, LeaseStatus, Swap};
use bytes::Bytes;
use std::time::Duration;

/// How often forgetting looks again after a race, before it calls the record busy.
const RACES: usize = 32;

/// How long an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerLife {
    /// As long as it is fresh.
    pub(crate) fresh: Duration,
    /// Afterwards, while a new one is computed.
    pub(crate) stale: Duration,
}

impl AnswerLife {
    /// From the beginning to the end.
    pub(crate) fn whole(self) -> Duration {
        self.fresh.saturating_add(self.stale)
    }
}

/// The result of looking an answer up.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// Nothing.
    Nothing,
    /// A computation under way.
    UnderWay(Owner),
    /// An answer.
    Fresh(Box<CachedAnswer>),
    /// An answer that somebody should compute again.
    Stale(Box<CachedAnswer>),
    /// The word that answers to this are not kept.
    NotKept,
    /// Another function of this process stored it.
    OfAnother,
}

/// An answer that was computed before.
#[derive(Clone, Debug)]
pub(crate) struct CachedAnswer {
    /// It itself.
    pub(crate) response: StoredResponse,
    /// How long ago it was stored, by the store's clock.
    pub(crate) age: Duration,
    seen: Bytes,
}

impl CachedAnswer {
    /// Whether it is the same computation's.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.seen == other.seen
    }
}

/// Looks for an answer: one round trip, and nothing is written.
///
/// # Errors
/// When the store did not answer, or what it holds is no record.
pub(crate) async fn look_up(
    engine: &Engine,
    key: &StorageKey,
    definition: DefinitionId,
    life: AnswerLife,
) -> Result<Lookup, StoreError> {
    let is_anothers = |by| by != definition && engine.definitions().knows(by);
    let open = |outcome| engine.opened(outcome, "read");
    let found = engine.core().read(key).await.and_then(|entry| match entry {
        Some(entry) => found(key, entry, life, is_anothers, open),
        None => Ok(Lookup::Nothing),
    });
    if let Err(error) = &found {
        engine.counters().failed(error);
    }
    found
}

/// Puts a new answer in the place of the one that was found, if it is still there.
///
/// # Errors
/// When the store did not answer.
pub(crate) async fn replace(
    engine: &Engine,
    key: &StorageKey,
    old: &CachedAnswer,
    response: StoredResponse,
    life: AnswerLife,
) -> Result<LeaseStatus, StoreError> {
    let record = decode(key, &old.seen, "swap")?;
    // Another attempt, so that equal answers of two computations differ.
    let record = Record { attempt: record.attempt.saturating_add(1), ..record };
    let next = sealed::completed(engine.seal(), key, record, Outcome::Response(response));
    let next = next.encode(key);
    Ok(match engine.core().swap(key, &old.seen, &next, life.whole()).await? {
        Swap::Done => LeaseStatus::Held,
        Swap::Differs(there) if there.as_ref() == Some(&next) => LeaseStatus::Held,
        Swap::Differs(_) => LeaseStatus::Lost,
    })
}

/// The turn of one of this process to compute beside an owner that takes long.
#[derive(Debug)]
pub(crate) struct TurnBeside {
    _front: Front,
    _in_flight: InFlightGuard,
}

/// Waits for the turn to compute beside an owner, which one of this process has at a time. Nothing, if too
/// many wait for it, or for too long, or the process is about to end.
pub(crate) async fn turn_beside(
    engine: &Engine,
    key: &StorageKey,
    at_most: Duration,
) -> Option<TurnBeside> {
    let front = engine.core().queues.front(*key, at_most).await?;
    Some(TurnBeside { _front: front, _in_flight: engine.enter()? })
}

/// Puts what was computed beside an owner in the place of its record, unless it ended, or was forgotten.
///
/// It was computed after its owner claimed, so it is at least as new as the owner's own.
///
/// # Errors
/// When the store did not answer.
pub(crate) async fn overtake(
    engine: &Engine,
    key: &StorageKey,
    owner: Owner,
    outcome: Outcome,
    life: Duration,
) -> Result<LeaseStatus, StoreError> {
    let core = engine.core();
    for _ in 0..RACES {
        let Some(entry) = core.read(key).await? else { return Ok(LeaseStatus::Lost) };
        let record = decode(key, &entry.value, "read")?;
        match record.state {
            State::InProgress { owner: now, .. } if now == owner => {}
            _ => return Ok(LeaseStatus::Lost),
        }
        let next = sealed::completed(engine.seal(), key, record, outcome.clone()).encode(key);
        // It may have been renewed meanwhile.
        if core.swap(key, &entry.value, &next, life).await? == Swap::Done {
            core.rooms.changed(key);
            return Ok(LeaseStatus::Held);
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}

/// Forgets what is there, and what is being computed: its owner finds its lease taken.
///
/// # Errors
/// When the store did not answer; whether it forgot is unknown then.
pub(crate) async fn forget(engine: &Engine, key: &StorageKey) -> Result<(), StoreError> {
    let core = engine.core();
    for _ in 0..RACES {
        let Some(entry) = core.read(key).await? else { return Ok(()) };
        let next = forgotten(key, &entry.value);
        if next == entry.value {
            return Ok(());
        }
        // As long as before, so that attempts keep growing.
        if core.swap(key, &entry.value, &next, entry.left).await? == Swap::Done {
            core.rooms.changed(key);
            return Ok(());
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}

fn found(
    key: &StorageKey,
    entry: Entry,
    life: AnswerLife,
    is_anothers: impl Fn(DefinitionId) -> bool,
    open: impl Fn(Outcome) -> Result<Outcome, StoreError>,
) -> Result<Lookup, StoreError> {
    let Entry { value: seen, left } = entry;
    let Record { state, origin, .. } = decode(key, &seen, "read")?;
    Ok(match state {
        State::Completed(_) if is_anothers(origin.definition) => Lookup::OfAnother,
        State::Completed(outcome) => {
            let Outcome::Response(response) = open(outcome)? else { return Ok(Lookup::NotKept) };
            let whole = life.whole();
            let age = whole.saturating_sub(left);
            let answer = Box::new(CachedAnswer { response, age, seen });
            // One that was kept for longer than answers are by now is of an age that nobody knows.
            let is_fresh = left <= whole && age < life.fresh;
            if is_fresh { Lookup::Fresh(answer) } else { Lookup::Stale(answer) }
        }
        State::InProgress { owner, .. } => Lookup::UnderWay(owner),
        State::Issued | State::Cancelled => Lookup::Nothing,
    })
}

/// The record given back, as if nobody had computed it.
fn forgotten(key: &StorageKey, there: &Bytes) -> Bytes {
    match Record::decode(key, there) {
        Ok(record) => given_back(&record),
        // Nothing that can be read: it is in the way of the next answer, too.
        Err(_) => Record {
            attempt: 0,
            origin: Origin::default(),
            fingerprint: Fingerprint::NONE,
            label: Label::new(Guard::Cache, "", ""),
            state: State::Issued,
        },
    }
    .encode(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a ttl was shortened: its records would count as new for as long as the old one was longer.
    #[test]
    fn an_answer_that_is_kept_for_longer_than_answers_are_is_not_fresh() {
        let key = StorageKey::from_bytes([1; 32]);
        let (headers, body) = (Vec::new(), Bytes::new());
        let response = StoredResponse { status: 200, headers, body, is_cut: false };
        let state = State::Completed(Outcome::Response(response));
        let (fingerprint, label) = (Fingerprint::NONE, Label::new(Guard::Cache, "", ""));
        let record = Record { attempt: 1, origin: Origin::default(), fingerprint, label, state };
        let value = record.encode(&key);
        let life = AnswerLife { fresh: Duration::from_mins(1), stale: Duration::from_mins(2) };
        let is_fresh = |left| {
            let entry = Entry { value: value.clone(), left };
            let found = found(&key, entry, life, |_| false, Ok).unwrap();
            matches!(found, Lookup::Fresh(_))
        };
        let millisecond = Duration::from_millis(1);
        for (left, fresh) in [
            (life.whole() + millisecond, false),
            (life.whole(), true),
            (life.stale + millisecond, true),
            (life.stale, false),
        ] {
            assert_eq!(is_fresh(left), fresh, "with {left:?} left");
        }
    }
}
