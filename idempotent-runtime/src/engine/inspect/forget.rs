//! Forgetting a record, as a person decided.
//!
//! Against the bytes that the person saw, and never to nothing: what is left may be claimed, and its attempt goes
//! on growing, so an owner that comes back late finds its key lost.

use crate::engine::engine::Engine;
use crate::engine::inspect::state::RecordState;
use crate::engine::inspect::view::RecordView;
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, StorageKey};
use crate::store::record::{Origin, Record, State};
use crate::store::{Label, Swap};
use bytes::Bytes;
use std::time::Duration;

/// The number of looks at a record that changes meanwhile, before it is called busy.
const RACES: usize = 32;

/// Whether a record is forgotten that is better left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// Not one whose run goes on, nor one that cannot be read.
    #[default]
    No,
    /// Also one whose run goes on: it is not stopped, loses its key, and may have its effect beside that of the
    /// next. And one that cannot be read.
    Yes,
}

/// Whether a record was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a record that runs or changed is left as it is"]
pub enum Forgotten {
    /// It is, by this call or before: the next request with its key runs.
    Yes,
    /// Its run goes on. Without force it is left alone.
    Running {
        /// The time for which its lease holds, unless it is renewed.
        lease_left: Duration,
    },
    /// It is not what was seen any more: another run had its key, or it came to its end. Look again.
    Changed,
    /// It cannot be read. Without force it is left alone.
    Undecodable,
}

/// Forgets a record of the store, if it is still what was seen.
///
/// # Errors
/// When the store did not answer; whether it forgot is unknown then, and sending it again does no harm.
pub(crate) async fn forget(
    engine: &Engine,
    seen: &RecordView,
    force: Force,
) -> Result<Forgotten, StoreError> {
    let (core, key) = (engine.core(), seen.key());
    let _forgetting = core.remembered.forgetting(key);
    for _ in 0..RACES {
        let Some(entry) = core.read(key).await? else { return Ok(Forgotten::Yes) };
        let left = entry.left;
        let Some(now) = RecordView::in_store(*key, entry, engine) else {
            return Ok(Forgotten::Changed);
        };
        if let Some(told) = judge(seen, &now, force) {
            return Ok(told);
        }
        let next = forgotten(&now, engine.clock().wall());
        // As long as before, so that attempts keep growing.
        if core.swap(key, now.seen(), &next, left).await? == Swap::Done {
            core.rooms.changed(key);
            return Ok(Forgotten::Yes);
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}

/// The answer, if what is there now is not to be exchanged.
fn judge(seen: &RecordView, now: &RecordView, force: Force) -> Option<Forgotten> {
    let is_forced = force == Force::Yes;
    if now.record().is_some_and(|record| *record == given_back(record)) && is_of_one_run(seen, now)
    {
        return Some(Forgotten::Yes);
    }
    match now.state() {
        RecordState::Running { lease_left } if !is_forced && is_of_one_run(seen, now) => {
            Some(Forgotten::Running { lease_left })
        }
        _ if now.seen() == seen.seen() => match now.state() {
            RecordState::Undecodable if !is_forced => Some(Forgotten::Undecodable),
            _ => None,
        },
        // A renewal, or the end that came in between.
        _ if is_forced && is_of_one_run(seen, now) => None,
        _ => Some(Forgotten::Changed),
    }
}

/// Whether two records are of the same claim.
fn is_of_one_run(seen: &RecordView, now: &RecordView) -> bool {
    match (seen.record(), now.record()) {
        (Some(seen), Some(now)) => {
            (seen.attempt, seen.origin.claimed_at) == (now.attempt, now.origin.claimed_at)
        }
        _ => false,
    }
}

/// The bytes that take the place of a record.
pub(crate) fn forgotten(there: &RecordView, now: Duration) -> Bytes {
    match there.record() {
        Some(record) => given_back(record).encode(there.key()),
        None => unknown(there.key(), now),
    }
}

/// The record given back, as if nobody had run; forgotten once, it stays as it is.
///
/// Nobody shall use a token that nobody used, nor run a task: they are cancelled.
pub(crate) fn given_back(record: &Record) -> Record {
    let Record { attempt, origin, label, state, .. } = record;
    let may_wake = matches!(state, State::InProgress { .. });
    let origin = Origin { taken_over: origin.taken_over || may_wake, ..*origin };
    let is_off = match label.guard() {
        Guard::Token => *attempt == 0,
        Guard::Task => true,
        _ => false,
    };
    let state = if is_off { State::Cancelled } else { State::Issued };
    let (attempt, fingerprint, label) = (*attempt, Fingerprint::NONE, label.clone());
    Record { attempt, origin, fingerprint, label, state }
}

/// The record that takes the place of one that cannot be read. Its attempt is larger than any before it.
fn unknown(key: &StorageKey, now: Duration) -> Bytes {
    let origin = Origin { taken_over: true, ..Origin::default() };
    let (fingerprint, label) = (Fingerprint::NONE, Label::new(Guard::Handler, "", ""));
    let attempt = crate::clock::millis(now);
    Record { attempt, origin, fingerprint, label, state: State::Issued }.encode(key)
}
