//! From a key to a decision and a run: everything that is no HTTP and no backend.

mod ask;
mod cached;
pub mod claim;
pub mod decide;
mod drain;
mod execution;
mod external_lock;
mod fair_queue;
mod heartbeat;
mod in_flight;
mod lease;
mod resolve;
#[cfg(feature = "actix")]
pub(crate) mod task;
mod wait;

pub use crate::store::LeaseStatus;
pub use ask::{Admission, ClaimRequest, ReclaimWindow};
pub use cached::{Answer, Found, Life};
pub use drain::OnDrainTimeout;
pub use execution::{Completion, Execution};
pub(crate) use in_flight::InFlightGuard;
pub use lease::Lease;
pub use resolve::{Resolution, Resolved};

use crate::clock::{Clock, millis};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::observe::{Counters, Counts};
use crate::store::record::{Label, Owner};
use crate::store::{Locks, Store};
use claim::{Claim, Claimable, Claimed, Claimer};
use decide::{Decision, Refusal, decide};
use execution::{Ownership, RunContext};
use fair_queue::Lines;
use heartbeat::{Heartbeat, Tools};
use in_flight::InFlight;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wait::{Waiting, WaitingRooms, Woken, jittered, pause_for};

/// How often a claim is sent while the store does not answer, and the pause between.
const CLAIM_TRIES: u32 = 3;
const CLAIM_PAUSE: Duration = Duration::from_millis(20);

/// When it is worth asking again after a place in line was not good enough.
const IN_LINE: Duration = Duration::from_secs(1);

/// Claims keys and keeps them while handlers run, on one store.
///
/// Clones share everything.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tools: Tools,
    /// Where locks live, unless they are records.
    locks: Option<Arc<dyn Locks>>,
    rooms: WaitingRooms,
    running: Arc<InFlight>,
    lines: Lines,
    heartbeat: Heartbeat,
}

impl Engine {
    /// An engine on this store; `patience` bounds every conversation with it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self::with_locks(store, clock, patience, None)
    }

    /// The same, with a place of their own for locks.
    #[must_use]
    pub fn with_locks(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        patience: Duration,
        locks: Option<Arc<dyn Locks>>,
    ) -> Self {
        Self(Arc::new(Inner {
            tools: Tools { store, clock, counters: Arc::default(), patience },
            locks,
            rooms: WaitingRooms::default(),
            running: Arc::default(),
            lines: Lines::default(),
            heartbeat: Heartbeat::new(),
        }))
    }

    /// Decides what becomes of a request: it runs, gets a stored response, or is refused.
    ///
    /// # Errors
    /// When the store did not answer, or what it holds under the key is no record. Nothing may
    /// run then.
    pub async fn begin(&self, ask: &ClaimRequest) -> Result<Admission, StoreError> {
        let begun = self.judge(ask).await;
        let counters = self.counters();
        match &begun {
            Ok(Admission::Run(_)) => counters.ran.count(),
            // Counted when it is sent: what is stored may turn out not to be a response.
            Ok(Admission::Replay(_)) => {}
            Ok(Admission::Refused(refusal)) => {
                counters.refused.count();
                if *refusal == Refusal::OutcomeUnknown {
                    resolve::tell_held(&ask.claim.key);
                }
            }
            Err(error) if error.kind() == StoreErrorKind::Corrupt => counters.undecodable.count(),
            Err(_) => counters.store_failed.count(),
        }
        begun
    }

    async fn judge(&self, ask: &ClaimRequest) -> Result<Admission, StoreError> {
        let Some(entered) = self.enter() else {
            return Ok(Admission::Refused(Refusal::Draining));
        };
        let asked = self.clock().steady();
        let front = match ask.claim.claimable {
            // Waiting is rare, and its future large.
            Claimable::Line => match Box::pin(self.0.lines.front(ask.claim.key, ask.wait)).await {
                Some(front) => Some(Box::new(front)),
                None => {
                    return Ok(Admission::Refused(Refusal::InProgress { retry_after: IN_LINE }));
                }
            },
            Claimable::Any | Claimable::Issued => None,
        };
        if front.is_some() && self.running().is_closed() {
            return Ok(Admission::Refused(Refusal::Draining));
        }
        let (engine, reclaim) = (self.clone(), ask.reclaim);
        let admitted = RunContext { engine, reclaim, _entered: entered, front };
        if let (Claimable::Line, Some(locks)) = (ask.claim.claimable, self.locks()) {
            let left = (asked + ask.wait).saturating_sub(self.clock().steady());
            return Box::pin(external_lock::take(locks, &ask.claim, left, admitted)).await;
        }
        let mut by = self.claimer(ask.claim.claimable);
        // Waiting in line takes time.
        let mut sent = if admitted.is_in_line() { self.clock().steady() } else { asked };
        let mut waiting = None;
        loop {
            let claimed = self.claim(&ask.claim, &by).await?;
            match decide(claimed, ask.claim.fingerprint, ask.rules) {
                Decision::Run(lease) => {
                    lease.set_end(sent + ask.claim.lease);
                    let pulse = self.0.heartbeat.keep(&lease, &self.0.tools);
                    let run = admitted.run(lease, Ownership::Renewed(pulse));
                    // Who waited was let in before the door closed, and has not begun.
                    if waiting.is_some() && self.running().is_closed() {
                        Box::pin(run.release()).await;
                        return Ok(Admission::Refused(Refusal::Draining));
                    }
                    return Ok(Admission::Run(run));
                }
                Decision::Replay(outcome) => return Ok(Admission::Replay(outcome)),
                Decision::Refuse(refusal) => return Ok(Admission::Refused(refusal)),
                Decision::TakeOver(attempt) => {
                    self.counters().taken_over.count();
                    by.take_over = Some(attempt);
                }
                Decision::Wait(retry_after) => {
                    let waiting = waiting.get_or_insert_with(|| {
                        Box::new(Waiting {
                            until: asked + ask.wait,
                            seat: self.rooms().enter(ask.claim.key),
                        })
                    });
                    // Waiting is rare, and its future large.
                    if Box::pin(waiting.wait(self)).await == Woken::TimedOut {
                        return Ok(Admission::Refused(Refusal::InProgress { retry_after }));
                    }
                }
            }
            sent = self.clock().steady();
        }
    }

    /// Counts a run in, unless the process is about to end.
    pub(crate) fn enter(&self) -> Option<InFlightGuard> {
        self.0.running.enter()
    }

    fn claimer(&self, claimable: Claimable) -> Claimer {
        let first = match claimable {
            Claimable::Any | Claimable::Issued => 1,
            Claimable::Line => millis(self.clock().wall()),
        };
        Claimer { owner: Owner::random(), first, take_over: None }
    }

    async fn claim(&self, claim: &Claim, by: &Claimer) -> Result<Claimed, StoreError> {
        let first = claim::claim(self.store(), claim, by);
        match self.bounded("create", pin!(first)).await {
            Err(error) if error.is_transient() => {
                Box::pin(self.claim_again(claim, by, error)).await
            }
            other => other,
        }
    }

    /// The answer was lost, so asks again as the same owner (never assumes).
    async fn claim_again(
        &self,
        claim: &Claim,
        by: &Claimer,
        mut lost: StoreError,
    ) -> Result<Claimed, StoreError> {
        let asked = async {
            for tries in 1..CLAIM_TRIES {
                pause_for(jittered(CLAIM_PAUSE * tries)).await;
                match claim::claim(self.store(), claim, by).await {
                    Err(error) if error.is_transient() => lost = error,
                    other => return other,
                }
            }
            Err(lost)
        };
        self.bounded("create", pin!(asked)).await
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
        let issued = claim::issued(key, label);
        let issue = self.store().create(key, &issued, life);
        self.bounded("create", pin!(issue)).await.map(drop)
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters().read()
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.tools.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.tools.clock
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.tools.counters
    }

    fn running(&self) -> &InFlight {
        &self.0.running
    }

    fn heartbeat(&self) -> &Heartbeat {
        &self.0.heartbeat
    }

    fn rooms(&self) -> &WaitingRooms {
        &self.0.rooms
    }

    /// Gives one conversation with the store a deadline. What is there at once, as in memory,
    /// needs no timer.
    fn bounded<T>(
        &self,
        operation: &'static str,
        mut work: Pin<&mut impl Future<Output = Result<T, StoreError>>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        let patience = self.0.tools.patience;
        let mut timer = None;
        poll_fn(move |context| {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            let timer = timer.get_or_insert_with(|| pause_for(patience));
            let over = |()| Err(StoreError::new(StoreErrorKind::Timeout, operation));
            timer.as_mut().poll(context).map(over)
        })
    }
}
