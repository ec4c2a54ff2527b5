//! Claiming a key, waiting for others that have it, and starting the run.

use crate::clock::Clock;
use crate::engine::admission::Admission;
use crate::engine::bounds::{EngineBounds, WAITERS};
use crate::engine::claim::{Claimable, issued};
use crate::engine::claim_request::ClaimRequest;
use crate::engine::contend::contend;
use crate::engine::core::{EngineCore, SharedCore};
use crate::engine::decide::Refusal;
use crate::engine::definitions::Definitions;
use crate::engine::drain::{OnDrainTimeout, drain};
use crate::engine::external_lock;
use crate::engine::fair_queue::Front;
use crate::engine::heartbeat::Tools;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::recall::{Memory, look_again, recall};
use crate::engine::remembered::{Remembered, Remembering};
use crate::engine::resolve::{Resolution, Resolved, resolve};
use crate::engine::run_context::RunContext;
use crate::engine::told::tell_admission;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::observe::{Counters, Counts};
use crate::outcome::Outcome;
use crate::seal::Seal;
use crate::store::record::sealed;
use crate::store::{Label, Locks, Store, metered};
use crate::stripes::Striped;
use std::sync::Arc;
use std::time::Duration;

/// The time after which to ask again, for a request that waited too long or found its queue full.
const IN_QUEUE: Duration = Duration::from_secs(1);

/// Claims keys in one store, and keeps them while handlers run.
///
/// Clones share everything.
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<EngineCore>,
    /// The same state for runs, split so that two workers do not count references in one place.
    shares: Arc<Striped<Arc<SharedCore>>>,
}

impl Engine {
    /// An engine on this store; `patience` bounds every conversation with it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self::with_locks(store, clock, patience, None)
    }

    /// The same, with locks that are not records of the store.
    #[must_use]
    pub fn with_locks(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        patience: Duration,
        locks: Option<Arc<dyn Locks>>,
    ) -> Self {
        let bounds = EngineBounds { waiters: WAITERS, remembered: 0 };
        Self::with_bounds(store, clock, patience, locks, (bounds, Seal::default()))
    }

    /// The same, with other bounds, and with the keys that outcomes are sealed with.
    pub(crate) fn with_bounds(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        patience: Duration,
        locks: Option<Arc<dyn Locks>>,
        (bounds, seal): (EngineBounds, Seal),
    ) -> Self {
        let bytes = if store.is_near() { 0 } else { bounds.remembered };
        let counters = Arc::<Counters>::default();
        let tools = Tools { store: metered(store, &counters), clock, counters, patience };
        let remembered = Remembered::of_bytes(bytes);
        let bound = bounds.waiters.max(1);
        let core = Arc::new(EngineCore::new(tools, locks, bound, remembered, seal));
        Self { shares: Arc::new(SharedCore::for_all(&core)), core }
    }

    /// Decides what becomes of a request: it runs, gets a stored response, or is refused.
    ///
    /// If the future is dropped, it leaves the queue, and a key that may have been claimed is given back.
    ///
    /// # Errors
    /// When the store did not answer, or the value under the key is not a record. The request must
    /// not run then.
    pub async fn begin(&self, request: &ClaimRequest) -> Result<Admission, StoreError> {
        self.begin_with(request, Remembering::Unwanted).await
    }

    /// The same, for a request whose outcome this process may remember and answer from memory.
    pub(crate) async fn begin_with(
        &self,
        request: &ClaimRequest,
        remembering: Remembering,
    ) -> Result<Admission, StoreError> {
        let admission = self.admit(request, remembering).await;
        let admission = admission.and_then(|admission| self.opened_in(admission));
        tell_admission(&self.core, &request.claim.key, &admission);
        let counters = self.counters();
        match &admission {
            Ok(Admission::Run(_)) => counters.ran.count(),
            // It is counted when it is sent: the stored outcome may turn out not to be a response.
            Ok(Admission::Replay(_)) => {}
            Ok(Admission::Refused(_)) => counters.refused.count(),
            Err(error) => counters.failed(error),
        }
        admission
    }

    /// The same admission; a stored outcome in it is opened.
    fn opened_in(&self, admission: Admission) -> Result<Admission, StoreError> {
        Ok(match admission {
            Admission::Replay(mut outcome) => {
                // It stays in its box.
                let kept = std::mem::replace(&mut *outcome, Outcome::Tombstone);
                *outcome = self.opened(kept, "create")?;
                Admission::Replay(outcome)
            }
            other => other,
        })
    }

    /// A stored outcome, opened.
    ///
    /// # Errors
    /// When the keys of this engine do not open it, or when it had to be sealed and is not.
    pub(crate) fn opened(
        &self,
        outcome: Outcome,
        operation: &'static str,
    ) -> Result<Outcome, StoreError> {
        sealed::opened(self.seal(), outcome, operation)
    }

    /// The keys that outcomes are sealed with.
    pub(crate) fn seal(&self) -> &Seal {
        &self.core.seal
    }

    /// Waits to be at the front of a queue of this process, at most this long.
    pub(crate) async fn front(&self, key: StorageKey, at_most: Duration) -> Option<Front> {
        self.core.queues.front(key, at_most).await
    }

    async fn admit(
        &self,
        request: &ClaimRequest,
        remembering: Remembering,
    ) -> Result<Admission, StoreError> {
        let core = &*self.core;
        core.start_thread()?;
        let Some(in_flight) = core.in_flight.enter() else {
            return Ok(Admission::Refused(Refusal::Draining));
        };
        if remembering == Remembering::Wanted {
            match recall(core, request) {
                Memory::Answer(admission) => return Ok(admission),
                // Looking is rare, and its future is large.
                Memory::Due(known) => {
                    let looked = Box::pin(look_again(core, request, known)).await?;
                    if let Some(admission) = looked {
                        return Ok(admission);
                    }
                }
                Memory::Nothing => {}
            }
        }
        let asked = core.clock().steady();
        let ClaimRequest { claim, reclaim, wait, .. } = request;
        let front = match claim.claimable {
            // Waiting is rare, and its future is large.
            Claimable::InOrder => match Box::pin(core.queues.front(claim.key, *wait)).await {
                Some(front) => Some(Box::new(front)),
                None => {
                    return Ok(Admission::Refused(Refusal::InProgress { retry_after: IN_QUEUE }));
                }
            },
            Claimable::Any | Claimable::Issued => None,
        };
        if front.is_some() && core.in_flight.is_closed() {
            return Ok(Admission::Refused(Refusal::Draining));
        }
        // Waiting in the queue takes time.
        let sent = if front.is_some() { core.clock().steady() } else { asked };
        let context = RunContext {
            core: Arc::clone(self.shares.own()),
            reclaim: *reclaim,
            in_flight,
            _front: front,
            _seat: None,
            remembering,
        };
        if let (Claimable::InOrder, Some(locks)) = (claim.claimable, core.locks.as_deref()) {
            let left = (asked + *wait).saturating_sub(core.clock().steady());
            let busy = Refusal::InProgress { retry_after: IN_QUEUE };
            return Box::pin(external_lock::take(locks, claim, left, busy, context)).await;
        }
        contend(request, context, asked, sent).await
    }

    /// Starts the thread that keeps leases alive and lets the store drop expired records.
    ///
    /// If this is not called, the first run starts the thread.
    ///
    /// # Errors
    /// When the host cannot start a thread. Nothing can run then.
    pub fn start_thread(&self) -> Result<(), StoreError> {
        self.core.start_thread().map(drop)
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
        self.core.create(key, &issued(key, label), life).await.map(drop)
    }

    /// Ends a run whose owner died, in the way that a person decided.
    ///
    /// # Errors
    /// When the store did not answer, or the value under the key is not a record. Calling it again
    /// does no harm.
    pub async fn resolve(
        &self,
        key: &StorageKey,
        resolution: Resolution,
    ) -> Result<Resolved, StoreError> {
        resolve(&self.core, key, resolution).await
    }

    /// Takes no new runs and waits for those under way. Returns the number of runs that are left.
    pub async fn drain(&self, at_most: Duration, on_timeout: OnDrainTimeout) -> usize {
        drain(&self.core, at_most, on_timeout).await
    }

    /// The number of runs under way in this process, with the requests that wait for one.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.core.in_flight.now()
    }

    /// The number of times that each event has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters().read()
    }

    /// The store underneath.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.core.store()
    }

    /// The definitions at work.
    pub(crate) fn definitions(&self) -> &Definitions {
        &self.core.definitions
    }

    /// Counts a run in, unless the process is about to end.
    pub(crate) fn enter(&self) -> Option<InFlightGuard> {
        self.core.in_flight.enter()
    }

    /// Whether it takes no new runs any more.
    #[cfg(feature = "actix")]
    pub(crate) fn is_draining(&self) -> bool {
        self.core.in_flight.is_closed()
    }

    /// The place of locks, if they are not records of the store.
    pub(crate) fn locks(&self) -> Option<&dyn Locks> {
        self.core.locks.as_deref()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.core.clock()
    }

    /// The deadline of one conversation with a store or a database.
    pub(crate) fn patience(&self) -> Duration {
        self.core.tools.patience
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.core.counters()
    }

    pub(super) fn core(&self) -> &Arc<EngineCore> {
        &self.core
    }
}
