//! Claiming a key: one protocol for all stores.
//!
//! A claim is a `create`. If a value is already there, the claim exchanges exactly that value for
//! its own. A claim that loses this race reads again. Nothing is decided here that a policy may
//! decide in another way: a claim reports what it found, and `decide` judges it.

use crate::engine::claimed::{Claimed, FirstRequest};
use crate::engine::claimer::Claimer;
use crate::engine::lease::{Current, IfForgotten, Lease, decode, left_of_lease};
use crate::engine::succession::Succession;
use crate::error::StoreError;
use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::policy::DefinitionId;
use crate::store::record::{self, Origin, Record, State};
use crate::store::{Label, Store, Swap};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The number of tries after lost races, before the key is called busy.
const RACES: usize = 32;

/// The time after which to ask again for a key that is busy with other claims.
const BUSY: Duration = Duration::from_millis(100);

/// Which keys may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimable {
    /// Any key that nobody holds.
    Any,
    /// Only keys that were issued beforehand.
    Issued,
    /// Any key that nobody holds. Requests of this process get it in the order in which they asked.
    ///
    /// Its attempts start at the milliseconds since 1970, or above the largest that this process has seen, so
    /// that they grow even after the store forgot the key.
    InOrder,
}

/// A key, and the contents of its record.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where the record lives.
    pub key: StorageKey,
    /// The readable parts of the key.
    pub label: Label,
    /// The function that claims; [`DefinitionId::NONE`] if none does.
    pub definition: DefinitionId,
    /// The fingerprint that a repeated request must have.
    pub fingerprint: Fingerprint,
    /// Which keys may be claimed.
    pub claimable: Claimable,
    /// The length of the lease: how long others are excluded unless it is renewed.
    pub lease: Duration,
    /// The time for which the record stays after the lease is over. In that time a dead owner is noticed, and
    /// attempts keep growing.
    pub retention: Duration,
    /// The owner's next step if the store has lost the record.
    pub if_forgotten: IfForgotten,
}

/// Claims a key, or tells why it cannot be claimed.
pub async fn claim(store: &dyn Store, claim: &Claim, by: &Claimer) -> Result<Claimed, StoreError> {
    claim_and_put(store, claim, by, &claim.in_progress(by)).await
}

/// The record that a claim puts if the key is free.
pub(super) struct ClaimRecord {
    pub(super) state: State,
    /// Its life if nobody had the key before.
    pub(super) life: Duration,
    /// Its life if the key was taken from an owner, who may still wake.
    pub(super) life_after_others: Duration,
}

/// Claims a key with this record.
pub(super) async fn claim_and_put(
    store: &dyn Store,
    claim: &Claim,
    by: &Claimer,
    put: &ClaimRecord,
) -> Result<Claimed, StoreError> {
    let there = match first_step(store, claim, by, put).await? {
        FirstStep::Told(claimed) => return Ok(claimed),
        FirstStep::Met(there) => there,
    };
    match judge(claim, by, &there)? {
        Verdict::Told(claimed) => Ok(claimed),
        // Conflicts are rare, and their future is large.
        verdict => Box::pin(contend(store, claim, by, (there, verdict), put)).await,
    }
}

enum FirstStep {
    Told(Claimed),
    Met(Bytes),
}

/// The first step: puts our record, or exchanges the issued token for it.
async fn first_step(
    store: &dyn Store,
    claim: &Claim,
    by: &Claimer,
    put: &ClaimRecord,
) -> Result<FirstStep, StoreError> {
    let (key, life) = (&claim.key, put.life);
    let ours = claim.record(by, by.first, Succession::First, &put.state);
    let met = match claim.claimable {
        Claimable::Any | Claimable::InOrder => store.create(key, &ours, life).await?,
        Claimable::Issued => {
            let issued = issued(key, &claim.label);
            match store.swap(key, &issued, &ours, life).await? {
                Swap::Done => None,
                Swap::Differs(None) => return Ok(FirstStep::Told(Claimed::NotIssued)),
                Swap::Differs(there) => there,
            }
        }
    };
    Ok(match met {
        None => FirstStep::Told(Claimed::Acquired(claim.lease(by, by.first, 0, ours))),
        Some(there) => FirstStep::Met(there),
    })
}

/// Reads, judges and exchanges, until one of the three gives the result.
async fn contend(
    store: &dyn Store,
    claim: &Claim,
    by: &Claimer,
    met: (Bytes, Verdict),
    put: &ClaimRecord,
) -> Result<Claimed, StoreError> {
    let judged = |now: Option<Bytes>| {
        now.map(|there| judge(claim, by, &there).map(|verdict| (there, verdict))).transpose()
    };
    let mut seen = Some(met);
    // A claim that met no other owner only came late. It must not look like another request.
    let mut busy = (claim.request(), 0);
    for _ in 0..RACES {
        let Some((there, verdict)) = seen.take() else {
            match first_step(store, claim, by, put).await? {
                FirstStep::Told(claimed) => return Ok(claimed),
                FirstStep::Met(there) => seen = judged(Some(there))?,
            }
            continue;
        };
        let (attempt, succession) = match verdict {
            Verdict::Told(claimed) => return Ok(claimed),
            Verdict::Free { attempt, succession } => (attempt, succession),
            Verdict::Held(holder) => {
                busy = (holder.first, holder.attempt);
                match holder.look(store, claim, by, &there).await? {
                    Look::Told(claimed) => return Ok(claimed),
                    Look::TakenOver => (holder.attempt, Succession::TakenOver),
                    Look::Changed(now) => {
                        seen = judged(now)?;
                        continue;
                    }
                }
            }
        };
        let attempt = attempt.saturating_add(1);
        let ours = claim.record(by, attempt, succession, &put.state);
        let life = match succession {
            Succession::First => put.life,
            Succession::TakenOver => put.life_after_others,
        };
        match store.swap(&claim.key, &there, &ours, life).await? {
            Swap::Done => return Ok(Claimed::Acquired(claim.lease(by, attempt, 0, ours))),
            Swap::Differs(now) => seen = judged(now)?,
        }
    }
    let (first, attempt) = busy;
    Ok(Claimed::InProgress { first, attempt, retry_after: BUSY })
}

/// The meaning of a record for a claim.
enum Verdict {
    /// The result is known.
    Told(Claimed),
    /// The record may be exchanged for ours. It has this attempt.
    Free { attempt: u64, succession: Succession },
    /// Another owner has the key, or had it and died.
    Held(Holder),
}

/// Another owner.
struct Holder {
    first: FirstRequest,
    attempt: u64,
    /// The time for which its record stays after its lease.
    retention: Duration,
}

/// The result of looking at another owner's lease.
enum Look {
    /// The result is known.
    Told(Claimed),
    /// The lease is over, and the record may be exchanged for ours.
    TakenOver,
    /// The record has changed meanwhile: this value is there now.
    Changed(Option<Bytes>),
}

fn judge(claim: &Claim, by: &Claimer, there: &Bytes) -> Result<Verdict, StoreError> {
    let Record { fingerprint, attempt, state, origin, .. } = decode(&claim.key, there, "create")?;
    let first = FirstRequest { fingerprint, definition: origin.definition };
    Ok(match state {
        State::Issued => Verdict::Free { attempt, succession: Succession::of(origin) },
        State::Cancelled => Verdict::Told(Claimed::NotIssued),
        State::Completed(outcome) => {
            Verdict::Told(Claimed::Done { first, outcome: Box::new(outcome) })
        }
        State::InProgress { owner, renewals, .. } if owner == by.owner => {
            Verdict::Told(Claimed::Acquired(claim.lease(by, attempt, renewals, there.clone())))
        }
        State::InProgress { retention, .. } => Verdict::Held(Holder { first, attempt, retention }),
    })
}

impl Holder {
    /// Reads whether its lease holds. Only the store knows that.
    async fn look(
        &self,
        store: &dyn Store,
        claim: &Claim,
        by: &Claimer,
        there: &Bytes,
    ) -> Result<Look, StoreError> {
        let Self { first, attempt, retention } = *self;
        let entry = match store.read(&claim.key).await? {
            Some(entry) if entry.value == *there => entry,
            other => return Ok(Look::Changed(other.map(|entry| entry.value))),
        };
        Ok(match left_of_lease(&entry, retention) {
            Some(retry_after) => Look::Told(Claimed::InProgress { first, attempt, retry_after }),
            None if by.take_over == Some(attempt) => Look::TakenOver,
            None => Look::Told(Claimed::Abandoned { first, attempt }),
        })
    }
}

/// The bytes of a token that nobody used yet.
pub(super) fn issued(key: &StorageKey, label: &Label) -> Bytes {
    record::encode_parts(key, 0, Origin::default(), &Fingerprint::NONE, label, &State::Issued)
}

impl Claim {
    /// The request that this claim is made for.
    pub(super) const fn request(&self) -> FirstRequest {
        FirstRequest { fingerprint: self.fingerprint, definition: self.definition }
    }

    pub(super) fn life(&self) -> Duration {
        self.lease.saturating_add(self.retention)
    }

    /// Our record while we run.
    pub(super) fn running(&self, by: &Claimer, attempt: u64) -> Bytes {
        self.record(by, attempt, Succession::First, &self.in_progress(by).state)
    }

    fn in_progress(&self, by: &Claimer) -> ClaimRecord {
        let state = State::InProgress { owner: by.owner, renewals: 0, retention: self.retention };
        ClaimRecord { state, life: self.life(), life_after_others: self.life() }
    }

    fn record(&self, by: &Claimer, attempt: u64, succession: Succession, state: &State) -> Bytes {
        let origin = Origin {
            definition: self.definition,
            claimed_at: by.now,
            taken_over: succession == Succession::TakenOver,
        };
        record::encode_parts(&self.key, attempt, origin, &self.fingerprint, &self.label, state)
    }

    /// The lease of our record, which was renewed this many times.
    pub(super) fn lease(
        &self,
        by: &Claimer,
        attempt: u64,
        renewals: u32,
        record: Bytes,
    ) -> Arc<Lease> {
        Arc::new(Lease {
            key: self.key,
            owner: by.owner,
            attempt,
            head: record::head_length(&self.label, attempt),
            length: self.lease,
            retention: self.retention,
            if_forgotten: self.if_forgotten,
            current: Mutex::new(Current { renewals, value: record, ..Current::default() }),
        })
    }
}
