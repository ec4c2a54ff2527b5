//! What was computed once and is read often: looking at it, renewing it, forgetting it.
//!
//! The first computation is a run like any other, under the record's own lease. A later one leaves
//! the record as it is, for others to read meanwhile, and exchanges it at the end against the very
//! bytes it found at the start: whatever was forgotten in between is not brought back.

use crate::engine::Engine;
use crate::engine::lease::decode;
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::outcome::{Outcome, StoredResponse};
use crate::store::record::{Label, Record, State};
use crate::store::{Entry, LeaseStatus, Swap};
use bytes::Bytes;
use std::pin::pin;
use std::time::Duration;

/// How often forgetting looks again after a race, before it calls the record busy.
const RACES: usize = 32;

/// How long an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// As long as it is fresh.
    pub fresh: Duration,
    /// Afterwards, while a new one is computed.
    pub stale: Duration,
}

impl Life {
    /// From the beginning to the end.
    #[must_use]
    pub fn whole(self) -> Duration {
        self.fresh.saturating_add(self.stale)
    }
}

/// What there is to read.
#[derive(Debug)]
pub enum Found {
    /// Nothing, or a computation under way.
    Nothing,
    /// An answer.
    Fresh(Box<Answer>),
    /// An answer that somebody should compute again.
    Stale(Box<Answer>),
    /// The word that answers to this are not kept.
    NotKept,
}

/// An answer that was computed before.
#[derive(Clone, Debug)]
pub struct Answer {
    /// It itself.
    pub response: StoredResponse,
    /// How long ago it was stored, by the store's clock.
    pub age: Duration,
    seen: Bytes,
}

impl Answer {
    /// Whether it is the same computation's.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.seen == other.seen
    }
}

impl Engine {
    /// Looks for an answer: one round trip, and nothing is written.
    ///
    /// # Errors
    /// When the store did not answer, or what it holds is no record.
    pub async fn look(&self, key: &StorageKey, life: Life) -> Result<Found, StoreError> {
        let looked = self.bounded("read", pin!(self.store().read(key))).await;
        let found = looked.and_then(|entry| match entry {
            Some(entry) => found(key, entry, life),
            None => Ok(Found::Nothing),
        });
        if let Err(error) = &found {
            let counters = self.counters();
            match error.kind() {
                StoreErrorKind::Corrupt => counters.undecodable.count(),
                _ => counters.store_failed.count(),
            }
        }
        found
    }

    /// Puts a new answer in the place of the one that was found, if it is still there.
    ///
    /// # Errors
    /// When the store did not answer.
    pub async fn renew(
        &self,
        key: &StorageKey,
        found: &Answer,
        response: StoredResponse,
        life: Life,
    ) -> Result<LeaseStatus, StoreError> {
        let Record { attempt, fingerprint, label, .. } = decode(key, &found.seen, "swap")?;
        let state = State::Completed(Outcome::Response(response));
        // Another attempt, so that equal answers of two computations differ.
        let attempt = attempt.saturating_add(1);
        let next = Record { attempt, fingerprint, label, state }.encode(key);
        let swap = self.store().swap(key, &found.seen, &next, life.whole());
        Ok(match self.bounded("swap", pin!(swap)).await? {
            Swap::Done => LeaseStatus::Held,
            Swap::Differs(there) if there.as_ref() == Some(&next) => LeaseStatus::Held,
            Swap::Differs(_) => LeaseStatus::Lost,
        })
    }

    /// Forgets what is there, and what is being computed: its owner finds its lease taken.
    ///
    /// # Errors
    /// When the store did not answer; whether it forgot is unknown then.
    pub async fn forget(&self, key: &StorageKey) -> Result<(), StoreError> {
        for _ in 0..RACES {
            let Some(entry) = self.bounded("read", pin!(self.store().read(key))).await? else {
                return Ok(());
            };
            let next = forgotten(key, &entry.value);
            if next == entry.value {
                return Ok(());
            }
            // As long as before, so that attempts keep growing.
            let swap = self.store().swap(key, &entry.value, &next, entry.left);
            if self.bounded("swap", pin!(swap)).await? == Swap::Done {
                self.rooms().finished(key);
                return Ok(());
            }
        }
        Err(StoreError::new(StoreErrorKind::Busy, "swap"))
    }
}

fn found(key: &StorageKey, entry: Entry, life: Life) -> Result<Found, StoreError> {
    let Entry { value: seen, left } = entry;
    Ok(match decode(key, &seen, "read")?.state {
        State::Completed(Outcome::Response(response)) => {
            let whole = life.whole();
            let age = whole.saturating_sub(left);
            let answer = Box::new(Answer { response, age, seen });
            // One that was kept for longer than answers are by now is of an age that nobody knows.
            let is_fresh = left <= whole && age < life.fresh;
            if is_fresh { Found::Fresh(answer) } else { Found::Stale(answer) }
        }
        State::Completed(_) => Found::NotKept,
        State::Issued | State::InProgress { .. } | State::Cancelled => Found::Nothing,
    })
}

/// The record given back, as if nobody had computed it.
fn forgotten(key: &StorageKey, there: &Bytes) -> Bytes {
    let (attempt, label) = match Record::decode(key, there) {
        Ok(record) => (record.attempt, record.label),
        // Nothing that can be read: it is in the way of the next answer, too.
        Err(_) => (0, Label::new("", "")),
    };
    let (fingerprint, state) = (Fingerprint::NONE, State::Issued);
    Record { attempt, fingerprint, label, state }.encode(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a ttl was shortened: its records would count as new for as long as the old one was longer.
    #[test]
    fn an_answer_that_is_kept_for_longer_than_answers_are_is_not_fresh() {
        let key = StorageKey::from_bytes([1; 32]);
        let response = StoredResponse { status: 200, headers: Vec::new(), body: Bytes::new() };
        let state = State::Completed(Outcome::Response(response));
        let record =
            Record { attempt: 1, fingerprint: Fingerprint::NONE, label: Label::new("", ""), state };
        let value = record.encode(&key);
        let life = Life { fresh: Duration::from_mins(1), stale: Duration::from_mins(2) };
        let is_fresh = |left| {
            let found = found(&key, Entry { value: value.clone(), left }, life).unwrap();
            matches!(found, Found::Fresh(_))
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
