//! The leases that are to be renewed. Each group of threads has its own queue, so that workers share no lock.

use crate::engine::lease::Lease;
use crate::engine::renewals::Renewals;
use crate::stripes::{Apart, Striped};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The leases of an engine that are kept alive. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct RenewalQueues {
    bell: Arc<Bell>,
    queues: Arc<Striped<Arc<RenewalQueue>>>,
}

/// A lease that is kept alive until this is dropped.
#[derive(Debug)]
pub(crate) struct RenewalGuard {
    queue: Arc<RenewalQueue>,
    id: usize,
}

/// A lease that is to be renewed now.
#[derive(Debug)]
pub(super) struct DueRenewal {
    pub(super) lease: Arc<Lease>,
    queue: Arc<RenewalQueue>,
    id: usize,
}

/// The leases of the runs that one group of threads began.
#[derive(Debug)]
pub(super) struct RenewalQueue {
    renewals: Apart<Mutex<Renewals>>,
    bell: Arc<Bell>,
}

/// Wakes the thread that renews.
#[derive(Debug, Default)]
struct Bell {
    sooner: Notify,
    is_closed: AtomicBool,
}

impl Default for RenewalQueues {
    fn default() -> Self {
        let bell = Arc::<Bell>::default();
        let queue = || {
            let renewals = Apart(Mutex::new(Renewals::made(Instant::now())));
            Arc::new(RenewalQueue { renewals, bell: Arc::clone(&bell) })
        };
        Self { queues: Arc::new(Striped::of(queue)), bell }
    }
}

impl RenewalQueues {
    /// The queue of this thread's runs.
    pub(super) fn own(&self) -> &Arc<RenewalQueue> {
        self.queues.own()
    }

    /// Takes out the leases that are due, and returns the moment to look again.
    pub(super) fn take(&self, now: Instant) -> (Vec<DueRenewal>, Option<Instant>) {
        let (mut taken, mut wakes) = (Vec::new(), None::<Instant>);
        for queue in self.queues.all() {
            let mut renewals = queue.lock();
            taken.extend(renewals.take(now).into_iter().map(|(id, lease)| DueRenewal {
                lease,
                queue: Arc::clone(queue),
                id,
            }));
            wakes = wakes.into_iter().chain(renewals.wakes()).min();
        }
        (taken, wakes)
    }

    /// Ends when a lease is due earlier than the thread was told.
    pub(super) async fn sooner(&self) {
        self.bell.sooner.notified().await;
    }

    /// Stops all renewals.
    pub(super) fn close(&self) {
        self.bell.is_closed.store(true, Ordering::SeqCst);
        self.bell.sooner.notify_one();
    }

    /// Whether all renewals are stopped.
    pub(super) fn are_closed(&self) -> bool {
        self.bell.is_closed.load(Ordering::SeqCst)
    }

    /// The leases of the runs under way.
    pub(super) fn leases(&self) -> Vec<Arc<Lease>> {
        let mut leases = Vec::new();
        for queue in self.queues.all() {
            leases.extend(queue.lock().leases().cloned());
        }
        leases
    }

    /// The moment when the oldest run began, to a tenth of a second.
    #[cfg(feature = "metrics")]
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.queues.all().filter_map(|queue| queue.lock().oldest()).min()
    }
}

impl RenewalQueue {
    /// Keeps a lease alive. Its first renewal is due at this moment.
    pub(super) fn keep(self: &Arc<Self>, lease: &Arc<Lease>, due: Instant) -> RenewalGuard {
        let id = self.change(|renewals| renewals.insert(lease, due));
        RenewalGuard { queue: Arc::clone(self), id }
    }

    fn lock(&self) -> MutexGuard<'_, Renewals> {
        self.renewals.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the queue, and wakes the thread if it would look too late.
    fn change<T>(&self, change: impl FnOnce(&mut Renewals) -> T) -> T {
        let mut renewals = self.lock();
        let before = renewals.wakes();
        let done = change(&mut renewals);
        let is_sooner = renewals.wakes() != before;
        drop(renewals);
        if is_sooner {
            self.bell.sooner.notify_one();
        }
        done
    }
}

impl DueRenewal {
    /// Makes the renewal due again, unless its run has ended meanwhile. Another lease may have its place then.
    pub(super) fn again(&self, due: Instant) {
        self.queue.change(|renewals| renewals.again(self.id, &self.lease, due));
    }

    /// Whether its run goes on.
    pub(super) fn is_wanted(&self) -> bool {
        self.queue.lock().is_wanted(self.id, &self.lease)
    }
}

impl Drop for RenewalGuard {
    fn drop(&mut self) {
        self.queue.lock().remove(self.id);
    }
}
