//! Renews the leases of runs that last, from a thread of its own.
//!
//! A handler that blocks its worker blocks everything on it, timers included, so nothing that keeps
//! a lease alive may live there. All runs of an engine share one list. Each is due a third of its lease
//! after the last renewal; a run that is shorter costs its place in the list and no more. What
//! else lasts as long as the engine goes on beside it on the same thread.

use crate::clock::jittered;
use crate::engine::lease::{Lease, Put};
use crate::error::{StoreError, StoreErrorKind};
use crate::observe::Counters;
use crate::store::Store;
use crate::store::own_thread::{OwnThread, lasting};
use futures_util::FutureExt;
use slab::Slab;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io::Error as IoError;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

/// A renewal is due after this part of a lease, so that two can fail and a third be in time.
const PART: u32 = 3;

/// A renewal that failed is sent again after this part of a lease, and at the latest after a second.
const RETRY_PART: u32 = 12;
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// A renewal is sent by this part of a lease early, if the thread looks then.
const EARLY_PART: u32 = 24;

/// How many renewals are under way at once: a store that was away meets no storm.
const AT_ONCE: usize = 64;

/// How often the age of the oldest run is told.
#[cfg(feature = "metrics")]
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Keeps leases alive for one engine, on a thread that ends with it.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat {
    queue: Arc<RenewalQueue>,
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

/// A lease that is kept alive until this is dropped.
#[derive(Debug)]
pub(crate) struct RenewalGuard {
    queue: Arc<RenewalQueue>,
    id: usize,
}

#[derive(Debug, Default)]
struct RenewalQueue {
    beats: Mutex<Beats>,
    sooner: Notify,
}

#[derive(Debug, Default)]
struct Beats {
    all: Slab<Beat>,
    /// When the thread looks next: not after the first is due.
    wakes: Option<Instant>,
    closed: bool,
}

#[derive(Debug)]
struct Beat {
    lease: Arc<Lease>,
    #[cfg(feature = "metrics")]
    began: Instant,
    /// Nothing, while a renewal is under way.
    due: Option<Instant>,
}

impl Heartbeat {
    /// Starts the thread, with `other` work beside, unless it is there: before any lease is to be kept alive.
    ///
    /// # Errors
    /// When the host has no thread to give.
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
            let (queue, beating) = (Arc::clone(&self.queue), tools.clone());
            #[cfg(feature = "metrics")]
            started.spawn(tell_oldest(Arc::clone(&queue), tools.clone()));
            started.spawn(lasting("renewing leases", move || {
                let (queue, tools) = (Arc::clone(&queue), beating.clone());
                async move { beat(&queue, &tools).await }
            }));
            other(&started);
            started
        }))
    }

    /// Keeps a lease alive from now on.
    pub(crate) fn keep(&self, lease: &Arc<Lease>) -> RenewalGuard {
        let began = Instant::now();
        let due = began + lease.length() / PART;
        let beat = Beat {
            lease: Arc::clone(lease),
            #[cfg(feature = "metrics")]
            began,
            due: Some(due),
        };
        let id = self.queue.change(due, |beats| beats.all.insert(beat));
        RenewalGuard { queue: Arc::clone(&self.queue), id }
    }

    /// Renews nothing any more, and gives the leases of the runs under way.
    pub(crate) fn stop(&self) -> Vec<Arc<Lease>> {
        let mut beats = self.queue.beats();
        beats.closed = true;
        self.queue.sooner.notify_one();
        beats.all.iter().map(|(_, beat)| Arc::clone(&beat.lease)).collect()
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.queue.beats().closed = true;
        self.queue.sooner.notify_one();
    }
}

impl Drop for RenewalGuard {
    fn drop(&mut self) {
        self.queue.beats().all.remove(self.id);
    }
}

impl RenewalQueue {
    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes something due, and wakes the thread if it would look too late.
    fn change<T>(&self, due: Instant, change: impl FnOnce(&mut Beats) -> T) -> T {
        let mut beats = self.beats();
        let done = change(&mut beats);
        if beats.wakes.is_none_or(|wakes| due < wakes) {
            beats.wakes = Some(due);
            drop(beats);
            self.sooner.notify_one();
        }
        done
    }
}

impl Beats {
    /// Takes out what is due, and what is nearly: so the thread, which looks at all runs, looks a few
    /// times in the life of a lease, and a run that ends before costs no place in any order.
    fn take(&mut self, now: Instant) -> Vec<(usize, Arc<Lease>)> {
        let mut taken = Vec::new();
        self.wakes = None;
        for (id, beat) in &mut self.all {
            let Some(due) = beat.due else { continue };
            if due <= now + beat.lease.length() / EARLY_PART {
                beat.due = None;
                taken.push((id, Arc::clone(&beat.lease)));
            } else if self.wakes.is_none_or(|wakes| due < wakes) {
                self.wakes = Some(due);
            }
        }
        taken
    }

    /// Puts a lease back, unless its run ended meanwhile and somebody else has its place.
    fn again(&mut self, id: usize, lease: &Arc<Lease>, due: Instant) {
        if let Some(beat) = self.all.get_mut(id)
            && Arc::ptr_eq(&beat.lease, lease)
        {
            beat.due = Some(due);
        }
    }
}

/// Until the engine is gone: sends what is due, then waits for the next.
async fn beat(queue: &Arc<RenewalQueue>, tools: &Tools) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let (due, wakes) = {
            let mut beats = queue.beats();
            if beats.closed {
                return;
            }
            (beats.take(Instant::now()), beats.wakes)
        };
        for (id, lease) in due {
            let (queue, tools, room) = (Arc::clone(queue), tools.clone(), Arc::clone(&room));
            tokio::spawn(async move {
                let _turn = room.acquire().await;
                renew(&queue, &tools, id, &lease).await;
            });
        }
        tokio::select! {
            () = queue.sooner.notified() => {}
            () = sleep_until(wakes.unwrap_or_else(Instant::now)), if wakes.is_some() => {}
        }
    }
}

async fn renew(queue: &RenewalQueue, tools: &Tools, id: usize, lease: &Arc<Lease>) {
    let patience = tools.patience.min(lease.length() / PART);
    let renewed = caught("swap", lease.renew(&*tools.store, &*tools.clock));
    let wait = match timeout(patience, renewed).await {
        Ok(Ok(Put::There | Put::Overtaken)) => {
            tools.counters.renewed.count();
            lease.length() / PART
        }
        // The store forgot it when it was too late to put it again. Another owner may be found there later.
        Ok(Ok(Put::NotThere)) => lease.length() / PART,
        Ok(Ok(Put::Lost(loss))) => return lost(queue, tools, id, lease, &loss),
        // Something else is there, whatever it is.
        Ok(Err(error)) if error.is_corrupt() => {
            return lost(queue, tools, id, lease, &"its record cannot be read");
        }
        Ok(Err(error)) => failed(tools, lease, Some(&error)),
        Err(_late) => failed(tools, lease, None),
    };
    let due = Instant::now() + wait;
    queue.change(due, |beats| beats.again(id, lease, due));
}

/// Lets a store do something; where it panics, it has failed.
pub(super) fn caught<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, StoreError>>,
) -> impl Future<Output = Result<T, StoreError>> {
    // What an async function is given is kept twice.
    AssertUnwindSafe(work).catch_unwind().map(move |done| {
        done.unwrap_or_else(|_panic| {
            let failed = StoreError::new(StoreErrorKind::Unavailable, operation);
            Err(failed.because("the store panicked"))
        })
    })
}

/// Whether the lease still holds is for the store to say, so it is asked again until it does.
fn failed(tools: &Tools, lease: &Lease, error: Option<&StoreError>) -> Duration {
    tools.counters.renewals_failed.count();
    tracing::warn!(
        key = %lease.key,
        error = error.map(|error| error as &dyn StdError),
        "a lease could not be renewed; it is tried again",
    );
    jittered((lease.length() / RETRY_PART).min(LONGEST_RETRY))
}

fn lost(queue: &RenewalQueue, tools: &Tools, id: usize, lease: &Arc<Lease>, why: &dyn Display) {
    // A run that ended while its renewal was under way has lost nothing.
    let lives = queue.beats().all.get(id).is_some_and(|beat| Arc::ptr_eq(&beat.lease, lease));
    if lives {
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
async fn tell_oldest(queue: Arc<RenewalQueue>, tools: Tools) {
    loop {
        let oldest = {
            let beats = queue.beats();
            if beats.closed {
                break;
            }
            beats.all.iter().map(|(_, beat)| beat.began).min()
        };
        let age = oldest.map_or(Duration::ZERO, |began| began.elapsed());
        tools.counters.meters.oldest_run.tell(age);
        tokio::time::sleep(TELL_EVERY).await;
    }
}
