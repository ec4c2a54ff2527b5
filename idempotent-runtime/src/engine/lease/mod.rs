//! A claim that was granted: its renewals and its end.

mod found;
mod loss;

use crate::clock::Clock;
use crate::engine::succession::Succession;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::seal::Seal;
use crate::store::record::{self, Owner, Record, State, sealed};
use crate::store::{Store, Swap};
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use found::{decode, left_of_lease};
pub(super) use loss::Loss;

/// An owner's next step if the store has nothing under its key: it was flushed, or restarted without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfForgotten {
    /// It puts its record again, so that the effect does not happen a second time. For a renewal it does this
    /// only while its lease holds by its own clock; for its outcome, at any time.
    PutAgain,
    /// Its key is lost: a person may have forgotten it on purpose, or another owner may have it by now.
    Lost,
}

/// The right to run, which one owner holds until the lease is over.
///
/// The run and the heartbeat share it and work at the same time: the run ends it, the heartbeat renews it.
#[derive(Debug)]
pub struct Lease {
    pub(super) key: StorageKey,
    pub(super) owner: Owner,
    pub(super) attempt: u64,
    /// The length of the first part of our record, which never changes.
    pub(super) head: usize,
    pub(super) length: Duration,
    pub(super) retention: Duration,
    pub(super) if_forgotten: IfForgotten,
    pub(super) current: Mutex<Current>,
}

/// The part that changes with every renewal.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) renewals: u32,
    /// No renewal may follow: one with a greater number would bring the lease back.
    pub(super) given_up: bool,
    /// Our record in the store. Every change exchanges exactly these bytes.
    pub(super) value: Bytes,
    /// The moment until which the lease can surely be relied on, in the engine's steady time: counted from
    /// before the claim or the renewal was sent.
    pub(super) ends: Duration,
    /// The store forgot the record once: others may have had the key meanwhile.
    pub(super) was_forgotten: bool,
}

/// The result of putting our next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    There,
    /// Another record of ours is there: a later renewal, or one that tells that the store forgot the first.
    Overtaken,
    /// No record is there: the lease was given up, or the store forgot the record and the lease does not hold
    /// any more.
    NotThere,
    Lost(Loss),
}

/// When a record that the store forgot may be put again.
#[derive(Clone, Copy)]
enum PutAgain<'a> {
    /// While our lease holds by this clock.
    WhileItHolds(&'a dyn Clock),
    Always,
}

impl Put {
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::There | Self::Overtaken)
    }
}

impl Current {
    /// The store forgot the record, so others may have had the key meanwhile. This renewal is there instead.
    fn forgotten(&mut self, renewal: Option<Bytes>) {
        self.was_forgotten = true;
        self.value = renewal.unwrap_or_else(|| self.value.clone());
    }

    fn count(&mut self) -> u32 {
        self.renewals = self.renewals.wrapping_add(1);
        self.renewals
    }
}

impl Lease {
    /// The number of this claim: greater than that of every earlier claim of its key.
    #[must_use]
    pub const fn attempt(&self) -> u64 {
        self.attempt
    }

    /// The time from each renewal to its end.
    pub(super) const fn length(&self) -> Duration {
        self.length
    }

    /// Extends the lease by its length from now.
    pub(super) async fn renew(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
    ) -> Result<Put, StoreError> {
        let Some(next) = self.renewed() else { return Ok(Put::NotThere) };
        let sent = clock.steady();
        let life = self.length.saturating_add(self.retention);
        let put = self.put(store, &next, life, PutAgain::WhileItHolds(clock)).await?;
        if put == Put::There {
            self.current().value = next;
        }
        if put.is_ours() {
            self.set_end(sent + self.length);
        }
        Ok(put)
    }

    /// Sets the moment until which it can be relied on.
    pub(super) fn set_end(&self, ends: Duration) {
        self.current().ends = ends;
    }

    /// Whether it can be relied on now.
    pub(super) fn holds(&self, clock: &dyn Clock) -> bool {
        clock.steady() < self.current().ends
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our record after the run: its outcome.
    pub(super) fn completed(&self, seal: &Seal, outcome: Outcome) -> Bytes {
        let ours = self.current().value.clone();
        sealed::with_outcome(seal, &self.key, (&ours, self.attempt), self.head, outcome)
    }

    /// Our record, given back: the next request that claims the key runs.
    pub(super) fn released(&self) -> Bytes {
        self.encoded(&State::Issued)
    }

    /// Whether an earlier owner of the key may still wake, because its key was taken over, resolved by a
    /// person, or forgotten by the store.
    pub(super) fn history(&self) -> Succession {
        let current = self.current();
        let origin = Record::decode(&self.key, &current.value).map(|record| record.origin);
        match origin {
            Ok(origin) if !current.was_forgotten => Succession::of(origin),
            _ => Succession::TakenOver,
        }
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

    /// Our record with this number of renewals.
    fn running(&self, renewals: u32) -> Bytes {
        let Self { owner, retention, .. } = *self;
        self.encoded(&State::InProgress { owner, renewals, retention })
    }

    fn encoded(&self, state: &State) -> Bytes {
        record::with_state(&self.key, &self.current().value, self.head, state)
    }

    /// Puts the last record of this lease. The store then keeps it for `life`.
    pub(super) fn exchange(
        &self,
        store: &dyn Store,
        last: &Bytes,
        life: Duration,
    ) -> impl Future<Output = Result<Put, StoreError>> {
        self.put(store, last, life, PutAgain::Always)
    }

    /// Puts the next record in the place of ours.
    ///
    /// The caller repeats an exchange whose answer was lost. So the exchange may meet its own result, or a
    /// renewal of ours that came later.
    #[expect(clippy::manual_async_fn, reason = "what an async function is given is kept twice")]
    fn put(
        &self,
        store: &dyn Store,
        next: &Bytes,
        life: Duration,
        again: PutAgain<'_>,
    ) -> impl Future<Output = Result<Put, StoreError>> {
        async move {
            loop {
                let ours = self.current().value.clone();
                let there = match store.swap(&self.key, &ours, next, life).await? {
                    Swap::Done => return Ok(Put::There),
                    Swap::Differs(Some(there)) => there,
                    Swap::Differs(None) => {
                        // Rare paths are boxed, because their futures are large.
                        match Box::pin(self.put_again(store, next, life, again)).await? {
                            Ok(there) => there,
                            Err(put) => return Ok(put),
                        }
                    }
                };
                if there == *next {
                    return Ok(Put::There);
                }
                match (self.renewals(&there)?, self.renewals(next)?) {
                    // A renewal that arrives after a later one, or after the run gave the lease up.
                    (Ok(later), Ok(next)) if later > next => return Ok(Put::Overtaken),
                    (Ok(_), _) => self.current().value = there,
                    (Err(loss), _) => return Ok(Put::Lost(loss)),
                }
            }
        }
    }

    /// Puts our record if the key has none and the policy allows it. Returns the value that is there instead,
    /// or else the result.
    async fn put_again(
        &self,
        store: &dyn Store,
        next: &Bytes,
        life: Duration,
        again: PutAgain<'_>,
    ) -> Result<Result<Bytes, Put>, StoreError> {
        // A record that follows a lost renewal says that it was forgotten. (An end does not: its repetition
        // must find exactly the bytes that it put.)
        let renewal = match (self.if_forgotten, again) {
            (IfForgotten::Lost, _) => return Ok(Err(Put::Lost(Loss::Forgotten))),
            (_, PutAgain::Always) => None,
            (_, PutAgain::WhileItHolds(clock)) if !self.holds(clock) => {
                return Ok(Err(Put::NotThere));
            }
            (_, PutAgain::WhileItHolds(_)) => Some(record::after_others(&self.key, next)),
        };
        let there = store.create(&self.key, renewal.as_ref().unwrap_or(next), life).await?;
        let done = if renewal.is_some() { Put::Overtaken } else { Put::There };
        if there.is_none() {
            self.current().forgotten(renewal);
            tracing::warn!(
                key = %self.key,
                attempt = self.attempt,
                "the store forgot the record of a run, and its owner put it again",
            );
        }
        Ok(there.ok_or(done))
    }

    /// The number of renewals of a record, if it is ours and its run goes on; otherwise the reason why it is
    /// not ours.
    fn renewals(&self, record: &Bytes) -> Result<Result<u32, Loss>, StoreError> {
        Ok(match decode(&self.key, record, "swap")?.state {
            State::InProgress { owner, renewals, .. } if owner == self.owner => Ok(renewals),
            other => Err(Loss::to(&other)),
        })
    }
}

#[cfg(test)]
mod tests;
