//! From a key to a decision and a run: everything that is no HTTP and no backend.

pub mod claim;
pub mod decide;
mod execution;
mod lease;
mod running;
mod wait;

pub use execution::{Execution, Stored};
pub use lease::{Hold, Lease};

use crate::clock::Clock;
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::observe::{Counters, Counts};
use crate::outcome::StoredResponse;
use crate::store::record::{Label, Owner};
use crate::store::Store;
use claim::{Claim, Claimable, Claimed};
use decide::{Decision, Refusal, Rules, decide};
use running::Running;
use std::sync::Arc;
use std::time::Duration;
use wait::{WaitingRooms, Woken, jittered};

/// How often a claim is sent while the store does not answer, and the pause between.
const CLAIM_TRIES: u32 = 3;
const CLAIM_PAUSE: Duration = Duration::from_millis(20);

/// What a request asks of the engine.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where its record lives.
    pub key: StorageKey,
    /// The readable parts of the key.
    pub label: Label,
    /// What a repeated request must repeat.
    pub fingerprint: Fingerprint,
    /// Whether the key must have been issued.
    pub claimable: Claimable,
    /// How duplicates are judged.
    pub rules: Rules,
    /// How long others are excluded without a renewal.
    pub lease: Duration,
    /// How long the record of a dead owner is kept.
    pub keep: Duration,
    /// How long to wait for a first request in flight.
    pub wait: Duration,
    /// How long the key can be claimed again after a run that left nothing behind.
    pub give_back: GiveBack,
}

/// How long a key that was given back can be claimed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveBack {
    /// This long from then.
    For(Duration),
    /// Until this moment of the engine's wall clock, as time since 1970.
    Until(Duration),
}

/// What the engine answers.
#[derive(Debug)]
pub enum Begun {
    /// Run it, then end the execution.
    Run(Execution),
    /// It ran before; this is what it left behind.
    Replay(StoredResponse),
    /// It must not run.
    Refused(Refusal),
}

/// Claims keys and keeps them while handlers run, on one store.
///
/// Clones share everything.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// The deadline of one conversation with the store.
    patience: Duration,
    rooms: WaitingRooms,
    running: Arc<Running>,
    counters: Counters,
}

impl Engine {
    /// An engine on this store; `patience` bounds every conversation with it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            patience,
            rooms: WaitingRooms::default(),
            running: Arc::default(),
            counters: Counters::default(),
        }))
    }

    /// Decides what becomes of a request: it runs, gets a stored response, or is refused.
    ///
    /// # Errors
    /// When the store did not answer, or what it holds under the key is no record. Nothing may
    /// run then.
    pub async fn begin(&self, ask: Ask) -> Result<Begun, StoreError> {
        let begun = self.judge(ask).await;
        let counters = self.counters();
        match &begun {
            Ok(Begun::Run(_)) => counters.ran.count(),
            Ok(Begun::Replay(_)) => counters.replayed.count(),
            Ok(Begun::Refused(_)) => counters.refused.count(),
            Err(error) if error.kind() == StoreErrorKind::Corrupt => counters.undecodable.count(),
            Err(_) => counters.store_failed.count(),
        }
        begun
    }

    async fn judge(&self, ask: Ask) -> Result<Begun, StoreError> {
        let Some(run) = self.0.running.enter() else {
            return Ok(Begun::Refused(Refusal::Draining));
        };
        let started = self.clock().steady();
        let mut claim = Claim {
            owner: Owner::random(),
            fingerprint: ask.fingerprint,
            label: ask.label,
            lease: ask.lease,
            keep: ask.keep,
            claimable: ask.claimable,
            take_over: None,
        };
        let mut seat = None;
        loop {
            let sent = self.clock().steady();
            let claimed = self.claim(&ask.key, &claim).await?;
            match decide(claimed, ask.fingerprint, ask.rules) {
                Decision::Run(lease) => {
                    let ends = sent + ask.lease;
                    let engine = self.clone();
                    let give_back = ask.give_back;
                    return Ok(Begun::Run(Execution { engine, lease, ends, give_back, _run: run }));
                }
                Decision::Replay(response) => return Ok(Begun::Replay(response)),
                Decision::Refuse(refusal) => return Ok(Begun::Refused(refusal)),
                Decision::TakeOver(attempt) => {
                    self.counters().taken_over.count();
                    claim.take_over = Some(attempt);
                }
                Decision::Wait(retry_after) => {
                    let busy = Ok(Begun::Refused(Refusal::InProgress { retry_after }));
                    let left = (started + ask.wait).saturating_sub(self.clock().steady());
                    if seat.is_none() {
                        seat = self.rooms().enter(ask.key);
                    }
                    let Some(seat) = &seat else { return busy };
                    if seat.wait(self.store(), left).await == Woken::TimedOut {
                        return busy;
                    }
                }
            }
        }
    }

    /// Claims, and where the answer is lost asks again as the same owner (never assumes).
    async fn claim(&self, key: &StorageKey, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut tries = 1;
        let asked = async {
            loop {
                match claim::claim(self.store(), key, claim).await {
                    Err(error) if error.is_transient() && tries < CLAIM_TRIES => {
                        tokio::time::sleep(jittered(CLAIM_PAUSE * tries)).await;
                        tries += 1;
                    }
                    other => return other,
                }
            }
        };
        self.bounded("create", asked).await
    }

    /// Makes a key that must be issued beforehand claimable for `life`.
    ///
    /// # Errors
    /// When the store did not answer.
    pub async fn issue(
        &self,
        key: &StorageKey,
        label: &Label,
        life: Duration,
    ) -> Result<(), StoreError> {
        let issue = self.store().create(key, claim::issued(key, label), life);
        self.bounded("create", issue).await.map(drop)
    }

    /// Takes no new runs and waits for those under way; answers how many are left.
    pub async fn drain(&self, at_most: Duration) -> usize {
        self.0.running.drain(at_most).await
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters().read()
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn rooms(&self) -> &WaitingRooms {
        &self.0.rooms
    }

    /// Gives one conversation with the store a deadline.
    async fn bounded<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.0.patience, work).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::new(StoreErrorKind::Timeout, operation)),
        }
    }
}
