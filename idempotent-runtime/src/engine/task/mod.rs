//! Tasks: requests that are stored, and run later by whoever comes to it.
//!
//! A task is a record that waits to be claimed, as a token does, and its run is that claim: lease,
//! renewals, attempts and the one end are those of every run. Two things lie beside the record: the
//! [`input`], which is what a run needs, and the [`progress`] of a run. A store lists nothing, so
//! the [`index`] names the tasks that are not finished, for who looks for work.
//!
//! The order makes a crash harmless: record, input, entry in the index, and only then an answer. At
//! the end: record, then what lies beside it, then the entry. What is missing is made up for by
//! whoever meets it next: a retry, or a process that looks for work.

mod found;
mod index;
pub(crate) mod input;
pub(crate) mod progress;
mod queue;

pub(crate) use found::{Found, Stage};
pub(crate) use input::Input;
pub(crate) use queue::Turn;

use crate::engine::Engine;
use crate::engine::claim::Claim;
use crate::engine::lease::decode;
use crate::engine::wait::{jittered, pause_for};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::record::{Record, State};
use crate::store::{Entry, Swap};
use bytes::Bytes;
use index::{Added, Index};
use queue::Queue;
use std::pin::pin;
use std::time::Duration;

/// What is left of a task whose run is over lives this much longer: not at all, but no store knows
/// a shorter life.
const NO_LIFE: Duration = Duration::from_millis(1);

/// How much longer than its record an input lives at least, so that it is there when a run that
/// lasted dies.
const RESERVE: Duration = Duration::from_hours(24);

/// How often a process looks for tasks that nobody runs: those of processes that died, and those
/// that wait for a process with more work than it can do.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The tasks of one app: which are not finished, and which this process is to run next.
#[derive(Debug)]
pub(crate) struct Tasks {
    index: Index,
    queue: Queue,
}

/// What became of a request that is to be a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is one now.
    New,
    /// It was one before.
    Known,
    /// Another request is, with the same key.
    Reused,
    /// Too many are not finished.
    Full,
}

/// What became of a task that is to be called off.
#[derive(Debug)]
pub(crate) enum CallOff {
    /// It never runs.
    Done(Found),
    /// It runs, or ran.
    TooLate,
    /// There is none.
    Missing,
}

impl Tasks {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { index: Index::new(namespace), queue: Queue::default() }
    }

    /// Stores a task, unless it is there.
    ///
    /// # Errors
    /// When the store failed: nothing is promised yet, and a repetition finds what is there.
    pub(crate) async fn put(
        &self,
        engine: &Engine,
        claim: &Claim,
        input: &Input,
    ) -> Result<Put, StoreError> {
        let (key, life) = (&claim.key, claim.lease + claim.retention);
        if self.index.is_full(engine, key).await? && read(engine, key).await?.is_none() {
            return Ok(Put::Full);
        }
        let put = match create(engine, key, waiting(claim), life).await? {
            None => Put::New,
            Some(there) => {
                let record = decode(key, &there, "create")?;
                if record.fingerprint != claim.fingerprint {
                    return Ok(Put::Reused);
                }
                if is_over(&record) {
                    return Ok(Put::Known);
                }
                Put::Known
            }
        };
        // Also of a task that was there: who put it may have died at this point.
        let place = input::place(key);
        create(engine, &place, input.encode(&place), life + claim.retention + RESERVE).await?;
        match self.index.add(engine, key, life).await? {
            Added::Full => return Ok(Put::Full),
            Added::Now => self.queue.push(*key),
            Added::Before => {}
        }
        Ok(put)
    }

    /// A task, however far it is.
    pub(crate) async fn find(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<Option<Found>, StoreError> {
        let Some(entry) = read(engine, key).await? else { return Ok(None) };
        Found::of(key, &entry).map(Some)
    }

    /// Calls a task off that nobody runs yet. The one exchange decides between this and a run.
    pub(crate) async fn call_off(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<CallOff, StoreError> {
        loop {
            let Some(entry) = read(engine, key).await? else { return Ok(CallOff::Missing) };
            let Found { record, stage } = Found::of(key, &entry)?;
            if record.state == State::Cancelled {
                return Ok(CallOff::Done(Found { record, stage }));
            }
            if stage != Stage::Waiting {
                return Ok(CallOff::TooLate);
            }
            let record = Record { state: State::Cancelled, ..record };
            let next = record.encode(key);
            if swap(engine, key, entry.value, next, entry.left).await? == Swap::Done {
                self.finished(engine, key).await;
                return Ok(CallOff::Done(Found { record, stage: Stage::Over }));
            }
        }
    }

    /// Drops what lies beside the record of a task, and takes it off the index.
    ///
    /// What fails here is made up for later: by who meets the entry, and by the store.
    pub(crate) async fn finished(&self, engine: &Engine, key: &StorageKey) {
        let done = async {
            for place in [input::place(key), progress::place(key)] {
                if let Some(entry) = read(engine, &place).await? {
                    swap(engine, &place, entry.value, Bytes::new(), NO_LIFE).await?;
                }
            }
            self.index.remove(engine, key).await
        };
        if let Err(error) = done.await {
            tracing::debug!(%key, %error, "a finished task is not tidied up yet");
        }
    }

    /// Puts a task in line again that a person said did not happen; other records are left alone.
    pub(crate) async fn put_back(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<(), StoreError> {
        let Some(entry) = read(engine, key).await? else { return Ok(()) };
        let is_task = read(engine, &input::place(key)).await?.is_some();
        if is_task && Found::of(key, &entry)?.stage == Stage::Waiting {
            self.index.add(engine, key, entry.left).await?;
            self.queue.push(*key);
        }
        Ok(())
    }

    /// Takes a task off the index that nobody will run.
    pub(crate) async fn drop_entry(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<(), StoreError> {
        self.index.remove(engine, key).await
    }

    /// Puts every task that is not finished in line for this process, again and again.
    pub(crate) async fn look_for_work(&self, engine: &Engine) {
        let mut failed = false;
        loop {
            let found = self.index.all(engine).await;
            if let (Err(error), false) = (&found, failed) {
                tracing::warn!(%error, "nobody looks for unfinished tasks; it is tried again");
            }
            failed = found.is_err();
            for key in found.unwrap_or_default() {
                self.queue.push(key);
            }
            pause_for(jittered(LOOK_EVERY)).await;
        }
    }

    /// The next task that this process may try to run.
    pub(crate) async fn next(&self) -> Turn {
        self.queue.next().await
    }
}

impl Engine {
    /// Whether it takes no new runs any more.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.running.is_closed()
    }
}

/// The bytes of a task that nobody runs yet.
fn waiting(claim: &Claim) -> Bytes {
    let Claim { key, label, fingerprint, .. } = claim;
    let (label, state) = (label.clone(), State::Issued);
    Record { attempt: 0, fingerprint: *fingerprint, label, state }.encode(key)
}

fn is_over(record: &Record) -> bool {
    matches!(record.state, State::Completed(_) | State::Cancelled)
}

async fn create(
    engine: &Engine,
    key: &StorageKey,
    value: Bytes,
    life: Duration,
) -> Result<Option<Bytes>, StoreError> {
    engine.bounded("create", pin!(engine.store().create(key, &value, life))).await
}

async fn swap(
    engine: &Engine,
    key: &StorageKey,
    expected: Bytes,
    value: Bytes,
    life: Duration,
) -> Result<Swap, StoreError> {
    engine.bounded("swap", pin!(engine.store().swap(key, &expected, &value, life))).await
}

async fn read(engine: &Engine, key: &StorageKey) -> Result<Option<Entry>, StoreError> {
    engine.bounded("read", pin!(engine.store().read(key))).await
}

#[cfg(test)]
mod tests;
