//! Answers that were computed once and are read often: looking them up, replacing and forgetting them.
//!
//! The first computation is a run like any other, under the record's own lease. A later one leaves
//! the record as it is, so that others can read it meanwhile. At its end it replaces the record
//! only if the record still has the bytes that were found at the start, so an answer that was
//! forgotten meanwhile does not come back.

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

/// The number of tries against others that change the record, before it is called busy.
const RACES: usize = 32;

/// The times for which an answer may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerLife {
    /// The time for which it is fresh.
    pub(crate) fresh: Duration,
    /// The time after that in which it may still be read, while a new one is computed.
    pub(crate) stale: Duration,
}

impl AnswerLife {
    /// The whole time, fresh and stale.
    pub(crate) fn whole(self) -> Duration {
        self.fresh.saturating_add(self.stale)
    }
}

/// The result of looking an answer up.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// No answer is stored.
    Nothing,
    /// A computation is under way, by this owner.
    UnderWay(Owner),
    /// A fresh answer.
    Fresh(Box<CachedAnswer>),
    /// A stale answer: somebody should compute it again.
    Stale(Box<CachedAnswer>),
    /// A record without an answer: this answer may not be stored, so each request computes its own.
    NotKept,
    /// An answer that another function of this process stored.
    OfAnother,
}

/// An answer that was computed before.
#[derive(Clone, Debug)]
pub(crate) struct CachedAnswer {
    /// The answer itself.
    pub(crate) response: StoredResponse,
    /// The time since it was stored, by the store's clock.
    pub(crate) age: Duration,
    seen: Bytes,
}

impl CachedAnswer {
    /// Whether both came from the same computation.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.seen == other.seen
    }
}

/// Looks for an answer: one round trip, and nothing is written.
///
/// # Errors
/// When the store did not answer, or the value under the key is not a record.
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

/// Puts a new answer in the place of the old one, if the old one is still there.
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
    // A greater attempt makes the bytes of two computations differ, even if their answers are equal.
    let record = Record { attempt: record.attempt.saturating_add(1), ..record };
    let next = sealed::completed(engine.seal(), key, record, Outcome::Response(response));
    let next = next.encode(key);
    Ok(match engine.core().swap(key, &old.seen, &next, life.whole()).await? {
        Swap::Done => LeaseStatus::Held,
        Swap::Differs(there) if there.as_ref() == Some(&next) => LeaseStatus::Held,
        Swap::Differs(_) => LeaseStatus::Lost,
    })
}

/// The right to compute an answer again while its owner, who takes long, still computes. One
/// request of this process has it at a time.
#[derive(Debug)]
pub(crate) struct TurnBeside {
    _front: Front,
    _in_flight: InFlightGuard,
}

/// Waits for this right. The result is `None` if too many requests wait for it, if it does not come in
/// time, or if the process is about to end.
pub(crate) async fn turn_beside(
    engine: &Engine,
    key: &StorageKey,
    at_most: Duration,
) -> Option<TurnBeside> {
    let front = engine.core().queues.front(*key, at_most).await?;
    Some(TurnBeside { _front: front, _in_flight: engine.enter()? })
}

/// Puts an answer that was computed beside the owner in the place of the owner's record, unless the
/// owner has ended or its record was forgotten.
///
/// This computation began after the owner's claim, so its answer is at least as new as the owner's.
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
        // The owner may have renewed its lease meanwhile.
        if core.swap(key, &entry.value, &next, life).await? == Swap::Done {
            core.rooms.changed(key);
            return Ok(LeaseStatus::Held);
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}

/// Forgets the answer. If it is being computed, the owner finds that it has lost its lease.
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
        // It lives as long as before, so that attempts keep growing.
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
            // A record that has more life left than answers have today was stored under a longer
            // ttl. Nobody knows its age.
            let is_fresh = left <= whole && age < life.fresh;
            if is_fresh { Lookup::Fresh(answer) } else { Lookup::Stale(answer) }
        }
        State::InProgress { owner, .. } => Lookup::UnderWay(owner),
        State::Issued | State::Cancelled => Lookup::Nothing,
    })
}

/// The record, given back as if nobody had computed it.
fn forgotten(key: &StorageKey, there: &Bytes) -> Bytes {
    match Record::decode(key, there) {
        Ok(record) => given_back(&record),
        // These bytes cannot be read. They would block the next answer, too.
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

    /// After a ttl was shortened, old records must not count as fresh because they have so much life left.
    #[test]
    fn an_answer_that_was_stored_under_a_longer_ttl_is_not_fresh() {
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
