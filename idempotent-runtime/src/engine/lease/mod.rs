//! A claim that was granted, and the ways it goes on or ends.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::record::{self, Owner, Record, State};
use crate::store::{LeaseStatus, Store, Swap};
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The right to run, held by one owner until it is over.
///
/// The run and the heartbeat share it: one ends it, the other renews it, at the same time.
#[derive(Debug)]
pub struct Lease {
    pub(super) key: StorageKey,
    pub(super) owner: Owner,
    pub(super) attempt: u64,
    /// How much of our record never changes.
    pub(super) head: usize,
    pub(super) length: Duration,
    pub(super) retention: Duration,
    pub(super) current: Mutex<Current>,
}

/// The part that changes with every renewal.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) renewals: u32,
    /// No renewal comes any more: one that was numbered later would bring the lease back.
    pub(super) given_up: bool,
    /// Our record in the store; every change is an exchange against it.
    pub(super) value: Bytes,
    /// When the lease is over at the latest that can be relied on, in the engine's steady time:
    /// counted from before the claim or the renewal was sent.
    pub(super) ends: Duration,
}

/// The result of putting our next record.
enum Exchange {
    There,
    /// A later one of ours is there.
    Overtaken,
    Lost,
}

impl Current {
    fn count(&mut self) -> u32 {
        self.renewals = self.renewals.wrapping_add(1);
        self.renewals
    }
}

impl Lease {
    /// The number of this claim among all claims of the key, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u64 {
        self.attempt
    }

    /// How long it lasts from each renewal.
    pub(super) const fn length(&self) -> Duration {
        self.length
    }

    /// Extends the lease by its length from now.
    pub(super) async fn renew(&self, store: &dyn Store) -> Result<LeaseStatus, StoreError> {
        let Some(next) = self.renewed() else { return Ok(LeaseStatus::Lost) };
        Ok(match self.put(store, &next, self.length.saturating_add(self.retention)).await? {
            Exchange::There => {
                self.current().value = next;
                LeaseStatus::Held
            }
            Exchange::Overtaken => LeaseStatus::Held,
            Exchange::Lost => LeaseStatus::Lost,
        })
    }

    /// It can be relied on until then.
    pub(super) fn set_end(&self, ends: Duration) {
        self.current().ends = ends;
    }

    pub(super) fn ends(&self) -> Duration {
        self.current().ends
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our record after the run: what it left behind.
    pub(super) fn completed(&self, outcome: Outcome) -> Bytes {
        self.encoded(&State::Completed(outcome))
    }

    /// Our record given back: the next claim of it runs.
    pub(super) fn released(&self) -> Bytes {
        self.encoded(&State::Issued)
    }

    /// Whether our record is given back already.
    pub(super) fn is_released(&self) -> bool {
        let current = self.current().value.clone();
        current == self.released()
    }

    /// Our record, renewed once more, unless it was given up.
    fn renewed(&self) -> Option<Bytes> {
        let renewals = {
            let mut current = self.current();
            if current.given_up {
                return None;
            }
            current.count()
        };
        Some(self.running(renewals))
    }

    /// Our record, renewed for the last time: with a life of `retention` its lease is over.
    pub(super) fn given_up(&self) -> Bytes {
        let renewals = {
            let mut current = self.current();
            current.given_up = true;
            current.count()
        };
        self.running(renewals)
    }

    /// Our record after so many renewals.
    fn running(&self, renewals: u32) -> Bytes {
        let Self { owner, retention, .. } = *self;
        self.encoded(&State::InProgress { owner, renewals, retention })
    }

    fn encoded(&self, state: &State) -> Bytes {
        record::with_state(&self.key, &self.current().value, self.head, state)
    }

    /// Exchanges our record for the last one of this lease, which then lives this long.
    pub(super) async fn exchange(
        &self,
        store: &dyn Store,
        last: &Bytes,
        life: Duration,
    ) -> Result<LeaseStatus, StoreError> {
        Ok(match self.put(store, last, life).await? {
            Exchange::There | Exchange::Overtaken => LeaseStatus::Held,
            Exchange::Lost => LeaseStatus::Lost,
        })
    }

    /// Puts the next record in the place of ours.
    ///
    /// An exchange whose answer was lost is repeated by the caller, and so may meet its own
    /// result, or a renewal of ours that overtook it.
    async fn put(
        &self,
        store: &dyn Store,
        next: &Bytes,
        life: Duration,
    ) -> Result<Exchange, StoreError> {
        loop {
            let ours = self.current().value.clone();
            match store.swap(&self.key, &ours, next, life).await? {
                Swap::Done => return Ok(Exchange::There),
                Swap::Differs(Some(there)) if there == *next => return Ok(Exchange::There),
                Swap::Differs(Some(there)) => {
                    match (self.renewals(&there)?, self.renewals(next)?) {
                        // A renewal that arrives after a later one, or after the run gave up.
                        (Some(later), Some(next)) if later > next => {
                            return Ok(Exchange::Overtaken);
                        }
                        (Some(_), _) => self.current().value = there,
                        (None, _) => return Ok(Exchange::Lost),
                    }
                }
                Swap::Differs(None) => return Ok(Exchange::Lost),
            }
        }
    }

    /// How often a record was renewed, if it is ours and its run goes on.
    fn renewals(&self, record: &Bytes) -> Result<Option<u32>, StoreError> {
        Ok(match decode(&self.key, record, "swap")?.state {
            State::InProgress { owner, renewals, .. } if owner == self.owner => Some(renewals),
            _ => None,
        })
    }
}

/// Reads a record, or says in which operation of the store it could not be read.
pub(super) fn decode(
    key: &StorageKey,
    value: &Bytes,
    operation: &'static str,
) -> Result<Record, StoreError> {
    Record::decode(key, value).map_err(|error| StoreError::corrupt(operation, error))
}

#[cfg(test)]
mod tests;
