//! A claim that was granted, and the three ways it ends or goes on.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::record::{Owner, Record, State};
use crate::store::{Store, Swap};
use bytes::Bytes;
use std::time::Duration;

/// Whether the record was still ours when the store acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It was ours, and the change is made.
    Held,
    /// Another owner has it, or it is gone; nothing was changed.
    Lost,
}

/// The right to run, held by one owner until it is over.
#[derive(Clone, Debug)]
pub struct Lease {
    pub(super) key: StorageKey,
    pub(super) owner: Owner,
    pub(super) length: Duration,
    pub(super) keep: Duration,
    pub(super) record: Record,
    /// The bytes of `record` in the store; every change is an exchange against them.
    pub(super) value: Bytes,
}

impl Lease {
    /// The number of this claim among all claims of the key, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u64 {
        self.record.attempt
    }

    /// Extends the lease by its length from now.
    pub async fn renew(&mut self, store: &dyn Store) -> Result<Hold, StoreError> {
        let mut next = self.record.clone();
        if let State::InProgress { renewals, .. } = &mut next.state {
            *renewals = renewals.wrapping_add(1);
        }
        self.exchange(store, next, self.length + self.keep).await
    }

    /// Stores what the run left behind, for `ttl` from now.
    pub async fn complete(
        &mut self,
        store: &dyn Store,
        outcome: Outcome,
        ttl: Duration,
    ) -> Result<Hold, StoreError> {
        let next = Record { state: State::Completed(outcome), ..self.record.clone() };
        self.exchange(store, next, ttl).await
    }

    /// Gives the key back: the next claim of it runs, if it comes within `life`.
    pub async fn release(
        &mut self,
        store: &dyn Store,
        life: Duration,
    ) -> Result<Hold, StoreError> {
        let next = Record { state: State::Issued, ..self.record.clone() };
        self.exchange(store, next, life).await
    }

    /// Ends the lease at once without an outcome, as if the owner had died.
    pub async fn abandon(&mut self, store: &dyn Store) -> Result<Hold, StoreError> {
        let mut next = self.record.clone();
        if let State::InProgress { renewals, .. } = &mut next.state {
            *renewals = renewals.wrapping_add(1);
        }
        self.exchange(store, next, self.keep).await
    }

    /// Exchanges our record for the next one.
    ///
    /// An exchange whose answer was lost is repeated by the caller, and so may meet its own
    /// result, or a renewal of ours that overtook it.
    async fn exchange(
        &mut self,
        store: &dyn Store,
        next: Record,
        life: Duration,
    ) -> Result<Hold, StoreError> {
        let value = next.encode(&self.key);
        loop {
            match store.swap(&self.key, self.value.clone(), value.clone(), life).await? {
                Swap::Done => break,
                Swap::Differs(Some(there)) if there == value => break,
                Swap::Differs(Some(there)) if self.is_ours(&there)? => self.value = there,
                Swap::Differs(_) => return Ok(Hold::Lost),
            }
        }
        self.record = next;
        self.value = value;
        Ok(Hold::Held)
    }

    fn is_ours(&self, there: &Bytes) -> Result<bool, StoreError> {
        let record = decode(&self.key, there, "swap")?;
        Ok(matches!(record.state, State::InProgress { owner, .. } if owner == self.owner))
    }
}

/// Reads a record, or says in which operation of the store it could not be read.
pub(super) fn decode(
    key: &StorageKey,
    value: &Bytes,
    operation: &'static str,
) -> Result<Record, StoreError> {
    Record::decode(key, value)
        .map_err(|error| StoreError::new(StoreErrorKind::Corrupt, operation).because(error))
}
