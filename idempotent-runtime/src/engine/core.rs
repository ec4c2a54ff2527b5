//! State that all parts of one engine share: its store, clock and counters, the runs under way and
//! the requests that wait.

use crate::clock::Clock;
use crate::engine::claim::Claimable;
use crate::engine::deadline::within;
use crate::engine::definitions::Definitions;
use crate::engine::fair_queue::FairQueues;
use crate::engine::fences::Fences;
use crate::engine::heartbeat::{Heartbeat, Tools};
use crate::engine::in_flight::InFlight;
use crate::engine::purge::start_purging;
use crate::engine::remembered::Remembered;
use crate::engine::wait::WaitingRooms;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::observe::Counters;
use crate::seal::Seal;
use crate::store::own_thread::OwnThread;
use crate::store::{Entry, Locks, Store, Swap};
use crate::stripes::{Apart, Striped};
use bytes::Bytes;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most conversations with the store at once that no caller waits for, so that a store that comes back
/// is not overrun.
const BEHIND_AT_ONCE: usize = 64;

/// The most claims without an answer that wait to be given back.
const UNANSWERED: usize = 4096;

/// State that all parts of one engine share.
#[derive(Debug)]
pub(crate) struct EngineCore {
    pub(super) tools: Tools,
    /// The keys that outcomes are sealed with, and what lies beside records.
    pub(super) seal: Seal,
    /// The place of locks, if they are not records of the store.
    pub(super) locks: Option<Arc<dyn Locks>>,
    pub(super) rooms: WaitingRooms,
    pub(super) in_flight: InFlight,
    pub(super) queues: FairQueues,
    pub(super) fences: Fences,
    pub(super) heartbeat: Heartbeat,
    pub(super) definitions: Definitions,
    /// Finished records that can be used without asking the store.
    pub(super) remembered: Remembered,
    /// Turns for conversations that no caller waits for.
    pub(super) turns: Semaphore,
    /// Places for claims without an answer.
    pub(super) unanswered: Arc<Semaphore>,
}

/// The same state once for each group of threads, so that its runs do not all count references in
/// one place.
#[derive(Debug)]
pub(super) struct SharedCore(Apart<Arc<EngineCore>>);

impl SharedCore {
    /// One handle for each group of threads.
    pub(super) fn for_all(core: &Arc<EngineCore>) -> Striped<Arc<Self>> {
        Striped::of(|| Arc::new(Self(Apart(Arc::clone(core)))))
    }
}

impl Deref for SharedCore {
    type Target = EngineCore;

    fn deref(&self) -> &EngineCore {
        &self.0.0
    }
}

impl EngineCore {
    pub(super) fn new(
        tools: Tools,
        locks: Option<Arc<dyn Locks>>,
        waiters: usize,
        remembered: Remembered,
        seal: Seal,
    ) -> Self {
        let in_flight = InFlight::told(tools.counters.meters.in_flight.clone());
        Self {
            tools,
            seal,
            locks,
            rooms: WaitingRooms::new(waiters),
            in_flight,
            queues: FairQueues::new(waiters),
            fences: Fences::default(),
            heartbeat: Heartbeat::default(),
            definitions: Definitions::default(),
            remembered,
            turns: Semaphore::new(BEHIND_AT_ONCE),
            unanswered: Arc::new(Semaphore::new(UNANSWERED)),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.tools.store
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.tools.clock
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.tools.counters
    }

    /// The attempt to begin with, if the store does not know the key.
    pub(super) fn first_attempt(&self, claimable: Claimable) -> u64 {
        match claimable {
            Claimable::Any | Claimable::Issued => 1,
            Claimable::InOrder => self.fences.first(self.clock().wall()),
        }
    }

    /// Starts the thread that keeps leases alive and purges. It must be there before anything runs.
    pub(super) fn start_thread(&self) -> Result<&OwnThread, StoreError> {
        self.heartbeat
            .start(&self.tools, |thread| start_purging(thread, &self.tools))
            .map_err(|error| StoreError::new(StoreErrorKind::Unavailable, "renew").because(error))
    }

    /// Lets work go on after its caller has left, on a thread that no handler can block.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.start_thread() {
            Ok(thread) => thread.spawn(work),
            Err(error) => {
                let what = "a key could not be given back for want of a thread";
                tracing::warn!(%error, "{what}; it is freed when the lease expires");
            }
        }
    }

    /// Puts a value if the key has none, within the deadline; else returns the value that is there.
    pub(super) async fn create(
        &self,
        key: &StorageKey,
        value: &Bytes,
        life: Duration,
    ) -> Result<Option<Bytes>, StoreError> {
        within(self.tools.patience, "create", pin!(self.store().create(key, value, life))).await
    }

    /// Exchanges a value for another, within the deadline.
    pub(super) async fn swap(
        &self,
        key: &StorageKey,
        expected: &Bytes,
        value: &Bytes,
        life: Duration,
    ) -> Result<Swap, StoreError> {
        within(self.tools.patience, "swap", pin!(self.store().swap(key, expected, value, life)))
            .await
    }

    /// Reads a value and the life that it has left, within the deadline.
    pub(super) async fn read(&self, key: &StorageKey) -> Result<Option<Entry>, StoreError> {
        within(self.tools.patience, "read", pin!(self.store().read(key))).await
    }
}
