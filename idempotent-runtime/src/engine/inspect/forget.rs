//! Forgetting a record, as a person decided.
//!
//! The record is exchanged only if it still has the bytes that the person saw. It is not removed: the record
//! that takes its place may be claimed and keeps the attempts growing, so an owner that comes back late finds
//! its key lost.

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

/// The number of looks at a record that others change, before it is called busy.
const RACES: usize = 32;

/// Whether to forget also a record that is better left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// Leaves alone a record whose run goes on, and one that cannot be read.
    #[default]
    No,
    /// Forgets these, too. A run that goes on is not stopped: it loses its key, and its effect may happen
    /// beside that of the next run.
    Yes,
}

/// Whether a record was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a record that runs or changed is left as it is"]
pub enum Forgotten {
    /// It is forgotten, by this call or before: the next request with its key runs.
    Yes,
    /// Its run goes on, so it was left alone; [`Force::Yes`] forgets it.
    Running {
        /// The time until its lease is over, unless it is renewed.
        lease_left: Duration,
    },
    /// It is not the record that was seen any more: another run had its key, or its run has ended. Look again.
    Changed,
    /// It cannot be read, so it was left alone; [`Force::Yes`] forgets it.
    Undecodable,
}

/// Forgets a record of the store, if it is still what was seen.
///
/// # Errors
/// When the store did not answer. Whether the record was forgotten is unknown then; calling this again does
/// no harm.
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
        // It lives as long as before, so that attempts keep growing.
        if core.swap(key, now.seen(), &next, left).await? == Swap::Done {
            core.rooms.changed(key);
            return Ok(Forgotten::Yes);
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}

/// The answer, if the record that is there now must stay.
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
        // Only a renewal, or the end of the run, came in between.
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

/// The record given back, as if nobody had run. Forgetting it a second time changes nothing.
///
/// A token that nobody has used, and a task, become cancelled: nobody may use the one or run the other.
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

/// The record that takes the place of one that cannot be read. Its attempt is the milliseconds since 1970,
/// greater than any attempt that counts from 1.
fn unknown(key: &StorageKey, now: Duration) -> Bytes {
    let origin = Origin { taken_over: true, ..Origin::default() };
    let (fingerprint, label) = (Fingerprint::NONE, Label::new(Guard::Handler, "", ""));
    let attempt = crate::clock::millis(now);
    Record { attempt, origin, fingerprint, label, state: State::Issued }.encode(key)
}
