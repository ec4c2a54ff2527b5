//! Claiming a key: the one protocol over every store.
//!
//! A claim is a `create`, and where something is already there an exchange against exactly what
//! was seen. Whoever loses a race looks again. Nothing is decided here that a policy could want
//! otherwise: what was found is told, and `decide` judges it.

use crate::engine::lease::{Lease, decode};
use crate::error::StoreError;
use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::record::{Label, Owner, Record, State};
use crate::store::{Store, Swap};
use bytes::Bytes;
use std::time::Duration;

/// How often a claim looks again after it lost a race, before it calls the key busy.
const RACES: usize = 32;

/// What a key busy with other claims is told to wait.
const BUSY: Duration = Duration::from_millis(100);

/// Which keys may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimable {
    /// Any that nobody holds.
    Any,
    /// Those issued beforehand.
    Issued,
}

/// What a claimer brings.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Made before the claim; claiming again as the same owner gives the same lease.
    pub owner: Owner,
    /// What a repeated request must repeat.
    pub fingerprint: Fingerprint,
    /// The readable parts of the key.
    pub label: Label,
    /// How long others are excluded without a renewal.
    pub lease: Duration,
    /// How long the record stays after the lease is over, so that a dead owner is noticed and
    /// attempts keep growing.
    pub keep: Duration,
    /// Which keys may be claimed.
    pub claimable: Claimable,
    /// Take the key from the dead owner of this attempt.
    pub take_over: Option<u64>,
}

/// What a claim found.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// The key is ours for the length of the lease.
    Acquired(Lease),
    /// Another owner's lease holds.
    InProgress {
        /// Of the request that runs.
        fingerprint: Fingerprint,
        /// When the lease would be over.
        retry_after: Duration,
    },
    /// It ran.
    Done {
        /// Of the request that ran.
        fingerprint: Fingerprint,
        /// What it left behind.
        outcome: Outcome,
    },
    /// The owner's lease is over and it left nothing behind.
    Abandoned {
        /// Of the request that was running.
        fingerprint: Fingerprint,
        /// The dead owner's, for [`Claim::take_over`].
        attempt: u64,
    },
    /// The key had to be issued beforehand and was not.
    NotIssued,
}

/// What the record that is there means for a claim.
enum Verdict {
    /// The answer.
    Told(Claimed),
    /// The record may be exchanged for ours.
    Free,
    /// Something else is there by now.
    Changed(Option<Bytes>),
}

/// Claims a key, or says why not.
pub async fn claim(
    store: &dyn Store,
    key: &StorageKey,
    claim: &Claim,
) -> Result<Claimed, StoreError> {
    let mut seen = None;
    let mut busy = Fingerprint::NONE;
    for _ in 0..RACES {
        let there = match seen.take() {
            Some(there) => there,
            None => match open(store, key, claim).await? {
                Opened::Met(there) => there,
                Opened::Told(claimed) => return Ok(claimed),
            },
        };
        let record = decode(key, &there, "create")?;
        busy = record.fingerprint;
        match judge(store, key, claim, &there, &record).await? {
            Verdict::Told(claimed) => return Ok(claimed),
            Verdict::Changed(now) => seen = now,
            Verdict::Free => {
                let lease = claim.lease(key, record.attempt.saturating_add(1));
                match store.swap(key, there, lease.value.clone(), claim.life()).await? {
                    Swap::Done => return Ok(Claimed::Acquired(lease)),
                    Swap::Differs(now) => seen = now,
                }
            }
        }
    }
    Ok(Claimed::InProgress { fingerprint: busy, retry_after: BUSY })
}

enum Opened {
    Told(Claimed),
    Met(Bytes),
}

/// The first step: puts our record, or exchanges it for the token that must be there.
async fn open(store: &dyn Store, key: &StorageKey, claim: &Claim) -> Result<Opened, StoreError> {
    let lease = claim.lease(key, 1);
    let (value, life) = (lease.value.clone(), claim.life());
    let met = match claim.claimable {
        Claimable::Any => store.create(key, value, life).await?,
        Claimable::Issued => match store.swap(key, issued(key, &claim.label), value, life).await? {
            Swap::Done => None,
            Swap::Differs(None) => return Ok(Opened::Told(Claimed::NotIssued)),
            Swap::Differs(there) => there,
        },
    };
    Ok(met.map_or(Opened::Told(Claimed::Acquired(lease)), Opened::Met))
}

async fn judge(
    store: &dyn Store,
    key: &StorageKey,
    claim: &Claim,
    there: &Bytes,
    record: &Record,
) -> Result<Verdict, StoreError> {
    let fingerprint = record.fingerprint;
    let keep = match &record.state {
        State::Issued => return Ok(Verdict::Free),
        State::Completed(outcome) => {
            return Ok(Verdict::Told(Claimed::Done { fingerprint, outcome: outcome.clone() }));
        }
        State::InProgress { owner, .. } if *owner == claim.owner => {
            return Ok(Verdict::Told(Claimed::Acquired(claim.held(key, record, there))));
        }
        State::InProgress { keep, .. } => *keep,
    };
    // Only the store can say whether the lease still holds: what is left of the record's life
    // beyond `keep` is the lease.
    Ok(match store.read(key).await? {
        Some(entry) if entry.value == *there => match entry.left.checked_sub(keep) {
            Some(retry_after) if !retry_after.is_zero() => {
                Verdict::Told(Claimed::InProgress { fingerprint, retry_after })
            }
            _ if claim.take_over == Some(record.attempt) => Verdict::Free,
            _ => Verdict::Told(Claimed::Abandoned { fingerprint, attempt: record.attempt }),
        },
        other => Verdict::Changed(other.map(|entry| entry.value)),
    })
}

/// The bytes of a token that nobody used yet.
pub(super) fn issued(key: &StorageKey, label: &Label) -> Bytes {
    let state = State::Issued;
    Record { attempt: 0, fingerprint: Fingerprint::NONE, label: label.clone(), state }.encode(key)
}

impl Claim {
    fn life(&self) -> Duration {
        self.lease.saturating_add(self.keep)
    }

    fn lease(&self, key: &StorageKey, attempt: u64) -> Lease {
        let record = Record {
            attempt,
            fingerprint: self.fingerprint,
            label: self.label.clone(),
            state: State::InProgress { owner: self.owner, renewals: 0, keep: self.keep },
        };
        let value = record.encode(key);
        self.held(key, &record, &value)
    }

    fn held(&self, key: &StorageKey, record: &Record, value: &Bytes) -> Lease {
        Lease {
            key: *key,
            owner: self.owner,
            length: self.lease,
            keep: self.keep,
            record: record.clone(),
            value: value.clone(),
        }
    }
}
