//! Renews the leases of runs that last, from a thread of its own.
//!
//! A handler that blocks its worker blocks everything on it, timers included, so nothing that keeps a lease
//! alive may run there. A lease is due for renewal when a third of its length has passed since the last one.
//! A run that is shorter costs only its place in a queue. Other work that lasts as long as the engine runs on
//! the same thread.

use crate::clock::jittered;
use crate::engine::lease::{Lease, Put};
use crate::engine::renewal_queue::{DueRenewal, RenewalGuard, RenewalQueues};
use crate::error::{StoreError, StoreErrorKind};
use crate::observe::Counters;
use crate::store::Store;
use crate::store::own_thread::{OwnThread, lasting};
use futures_util::FutureExt;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io::Error as IoError;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

/// A renewal is due after this part of a lease, so that two can fail and a third be in time.
const PART: u32 = 3;

/// A renewal that failed is sent again after this part of a lease, and at the latest after a second.
const RETRY_PART: u32 = 12;
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// The most renewals under way at once, so that a store that comes back is not overrun.
const AT_ONCE: usize = 64;

/// The pause between two reports of the age of the oldest run.
#[cfg(feature = "metrics")]
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Keeps leases alive for one engine, on a thread that ends with it.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat {
    queues: RenewalQueues,
    thread: OnceLock<OwnThread>,
}

/// The tools of a heartbeat.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn crate::clock::Clock>,
    pub(crate) counters: Arc<Counters>,
    /// The deadline of one conversation with the store.
    pub(crate) patience: Duration,
}

impl Heartbeat {
    /// Starts the thread, together with `other` work, unless it runs already. It must run before any lease is
    /// to be kept alive.
    ///
    /// # Errors
    /// When the host cannot start a thread.
    pub(crate) fn start(
        &self,
        tools: &Tools,
        other: impl FnOnce(&OwnThread),
    ) -> Result<&OwnThread, IoError> {
        if let Some(thread) = self.thread.get() {
            return Ok(thread);
        }
        let started = OwnThread::start("idempotency-heartbeat")?;
        Ok(self.thread.get_or_init(|| {
            let (queues, beating) = (self.queues.clone(), tools.clone());
            #[cfg(feature = "metrics")]
            started.spawn(tell_oldest(queues.clone(), tools.clone()));
            started.spawn(lasting("renewing leases", move || {
                let (queues, tools) = (queues.clone(), beating.clone());
                async move { beat(&queues, &tools).await }
            }));
            other(&started);
            started
        }))
    }

    /// Keeps a lease alive from now on.
    pub(crate) fn keep(&self, lease: &Arc<Lease>) -> RenewalGuard {
        self.queues.own().keep(lease, Instant::now() + lease.length() / PART)
    }

    /// Stops all renewals, and returns the leases of the runs under way.
    pub(crate) fn stop(&self) -> Vec<Arc<Lease>> {
        self.queues.close();
        self.queues.leases()
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.queues.close();
    }
}

/// Until the engine is gone, sends the renewals that are due, then waits for the next one.
async fn beat(queues: &RenewalQueues, tools: &Tools) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while !queues.are_closed() {
        let (due, wakes) = queues.take(Instant::now());
        for due in due {
            let (tools, room) = (tools.clone(), Arc::clone(&room));
            tokio::spawn(async move {
                let _turn = room.acquire().await;
                renew(&tools, &due).await;
            });
        }
        tokio::select! {
            () = queues.sooner() => {}
            () = sleep_until(wakes.unwrap_or_else(Instant::now)), if wakes.is_some() => {}
        }
    }
}

async fn renew(tools: &Tools, due: &DueRenewal) {
    let lease = &due.lease;
    let patience = tools.patience.min(lease.length() / PART);
    let renewed = caught("swap", lease.renew(&*tools.store, &*tools.clock));
    let wait = match timeout(patience, renewed).await {
        Ok(Ok(Put::There | Put::Overtaken)) => {
            tools.counters.renewed.count();
            lease.length() / PART
        }
        // The store forgot the record when it was too late to put it again. A later try may find another owner.
        Ok(Ok(Put::NotThere)) => lease.length() / PART,
        Ok(Ok(Put::Lost(loss))) => return lost(tools, due, &loss),
        // Under the key is something that is not our record.
        Ok(Err(error)) if error.is_corrupt() => {
            return lost(tools, due, &"its record cannot be read");
        }
        Ok(Err(error)) => failed(tools, lease, Some(&error)),
        Err(_late) => failed(tools, lease, None),
    };
    due.again(Instant::now() + wait);
}

/// Runs a call of the store. If it panics, it has failed.
pub(super) fn caught<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    // Not an async function, since that would hold its arguments twice.
    AssertUnwindSafe(work).catch_unwind().map(move |done| {
        done.unwrap_or_else(|_panic| {
            let failed = StoreError::new(StoreErrorKind::Unavailable, operation);
            Err(failed.because("the store panicked"))
        })
    })
}

/// Only the store can say whether the lease still holds, so it is asked again until it answers.
fn failed(tools: &Tools, lease: &Lease, error: Option<&StoreError>) -> Duration {
    tools.counters.renewals_failed.count();
    tracing::warn!(
        key = %lease.key,
        error = error.map(|error| error as &dyn StdError),
        "a lease could not be renewed; it is tried again",
    );
    jittered((lease.length() / RETRY_PART).min(LONGEST_RETRY))
}

fn lost(tools: &Tools, due: &DueRenewal, why: &dyn Display) {
    let lease = &due.lease;
    // If the run ended while its renewal was under way, nothing is lost.
    if due.is_wanted() {
        lease.set_end(Duration::ZERO);
        tools.counters.leases_lost.count();
        tracing::warn!(
            key = %lease.key,
            attempt = lease.attempt(),
            "a lease is lost while its run goes on, and another owner may run: {why}",
        );
    }
}

/// Tells how old the oldest run is, until the engine is gone.
#[cfg(feature = "metrics")]
async fn tell_oldest(queues: RenewalQueues, tools: Tools) {
    while !queues.are_closed() {
        let age = queues.oldest().map_or(Duration::ZERO, |began| began.elapsed());
        tools.counters.meters.oldest_run.tell(age);
        tokio::time::sleep(TELL_EVERY).await;
    }
}
