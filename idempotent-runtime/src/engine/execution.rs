//! A run under way, from its claim to its end.

use crate::engine::claim_request::ReclaimWindow;
use crate::engine::core::EngineCore;
use crate::engine::fair_queue::Front;
use crate::engine::heartbeat::RenewalGuard;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::lease::Lease;
use crate::engine::pause::{jittered, pause_for};
use crate::error::StoreError;
use crate::outcome::Outcome;
use crate::store::{LeaseStatus, LockHandle};
use bytes::Bytes;
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The pause before the first repetition of an ending that failed; it doubles up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A run that holds its key.
///
/// It ends by [`complete`](Self::complete), [`release`](Self::release) or
/// [`abandon`](Self::abandon). Dropped without any of them it is left to its lease, as if the
/// process had died.
#[derive(Debug)]
#[must_use = "a run that is dropped keeps its key until the lease is over"]
pub struct Execution {
    context: RunContext,
    lease: Arc<Lease>,
    ownership: Ownership,
}

/// The part of its engine that a run holds.
#[derive(Debug)]
pub(super) struct RunContext {
    pub(super) core: Arc<EngineCore>,
    pub(super) in_flight: InFlightGuard,
    /// Of those in this process that want the same key, the next moves up after the end.
    pub(super) _front: Option<Box<Front>>,
    pub(super) reclaim: ReclaimWindow,
}

/// The way in which a run keeps its key.
#[derive(Debug)]
pub(super) enum Ownership {
    /// The record in the store is renewed until the run ends.
    Renewed(#[expect(dead_code, reason = "it is kept, and dropped")] RenewalGuard),
    /// The run is about to end.
    Ending,
    /// An external lock; of the lease nothing is in the store.
    Lock(Box<dyn LockHandle>),
}

impl RunContext {
    pub(super) fn run(self, lease: Arc<Lease>, ownership: Ownership) -> Execution {
        Execution { context: self, lease, ownership }
    }

    /// The same for what goes on behind its caller: those in the queue need not wait for it.
    pub(super) fn behind(&self) -> Self {
        let (core, reclaim) = (Arc::clone(&self.core), self.reclaim);
        Self { core, in_flight: self.in_flight.behind(), _front: None, reclaim }
    }
}

/// Whether a run's outcome will be found by its duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It is in the store.
    Yes,
    /// The store did not answer until the lease was over, or another owner has the key.
    No,
}

impl Execution {
    /// The number of this run among all claims of its key, from 1: the fence to pass on.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.lease.attempt()
    }

    /// Extends the lease by its length from now, as the heartbeat does by itself, and says whether
    /// the key is still this run's.
    ///
    /// # Errors
    /// When the store did not answer; the lease may have been extended.
    pub async fn renew(&self) -> Result<LeaseStatus, StoreError> {
        if let Ownership::Lock(lock) = &self.ownership {
            // Its session is kept alive, or it is not.
            return Ok(if lock.is_certain() { LeaseStatus::Held } else { LeaseStatus::Lost });
        }
        let sent = self.core().clock().steady();
        let work = self.lease.renew(self.core().store());
        let status = self.core().bounded("swap", pin!(work)).await?;
        if status == LeaseStatus::Held {
            self.lease.set_end(sent + self.lease.length());
        }
        Ok(status)
    }

    /// Whether it is certain that nobody else has the key by now.
    ///
    /// A run that outlives its lease, because its process was stopped or the store is away, is told
    /// so here at its next look, and by its attempt where that is checked.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        match &self.ownership {
            Ownership::Lock(lock) => lock.is_certain(),
            Ownership::Renewed(_) | Ownership::Ending => {
                self.core().clock().steady() < self.lease.ends()
            }
        }
    }

    /// Stores the outcome of the run, for `ttl` from now.
    ///
    /// An external lock stores nothing, and is released. A store that does not answer is asked again for
    /// as long as the lease holds.
    pub fn complete(self, outcome: Outcome, ttl: Duration) -> impl Future<Output = Completion> {
        // Not part of the future: it is encoded once, and futures are moved often.
        let next = self.lease.completed(outcome);
        self.finish(next, ttl)
    }

    #[expect(clippy::manual_async_fn, reason = "what an async function is given is kept twice")]
    fn finish(mut self, next: Bytes, ttl: Duration) -> impl Future<Output = Completion> {
        async move {
            // What is rare is boxed, because its future is large.
            if let Ownership::Lock(_) = self.ownership {
                Box::pin(self.release()).await;
                return Completion::No;
            }
            self.ownership = Ownership::Ending;
            match self.exchange(&next, ttl).await {
                Err(error) if error.is_transient() => {
                    let ended = Box::pin(self.insist(&next, ttl)).await;
                    self.ended(ended)
                }
                ended => self.ended(ended),
            }
        }
    }

    /// Asks again, for as long as the lease holds.
    async fn insist(&self, next: &Bytes, life: Duration) -> Result<LeaseStatus, StoreError> {
        let mut pause = FIRST_PAUSE;
        loop {
            pause_for(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.exchange(next, life).await {
                Err(error) if error.is_transient() && self.holds_for(pause) => {}
                ended => return ended,
            }
        }
    }

    fn ended(self, ended: Result<LeaseStatus, StoreError>) -> Completion {
        match ended {
            Ok(LeaseStatus::Held) => {
                self.core().rooms.finished(&self.lease.key);
                Completion::Yes
            }
            Ok(LeaseStatus::Lost) => self.lost(),
            Err(error) => self.not_stored(&error),
        }
    }

    /// Gives the key back, so that the next request with it runs.
    ///
    /// A store that does not answer is asked again for as long as the lease holds, by a task of its
    /// own: nobody waits for that.
    pub async fn release(mut self) {
        let lock = self.stop_renewing();
        let life = match self.context.reclaim {
            ReclaimWindow::For(life) => life,
            ReclaimWindow::Until(end) => end.saturating_sub(self.core().clock().wall()),
        };
        let next = self.lease.released();
        self.let_go(lock, next, life).await;
    }

    /// Gives the key back behind its caller, who need not be in a runtime.
    pub(crate) fn release_behind(self) {
        let core = Arc::clone(&self.context.core);
        core.spawn(self.release());
    }

    /// Ends the lease at once; the policy says whether the next request runs or is held.
    pub async fn abandon(mut self) {
        let lock = self.stop_renewing();
        let (next, life) = (self.lease.given_up(), self.lease.retention);
        self.let_go(lock, next, life).await;
    }

    /// Ends the renewals; an external lock is still to be released.
    fn stop_renewing(&mut self) -> Option<Box<dyn LockHandle>> {
        match std::mem::replace(&mut self.ownership, Ownership::Ending) {
            Ownership::Lock(lock) => Some(lock),
            Ownership::Renewed(_) | Ownership::Ending => None,
        }
    }

    async fn let_go(self, lock: Option<Box<dyn LockHandle>>, next: Bytes, life: Duration) {
        if let Some(lock) = lock {
            let ended = self.core().bounded("release", pin!(lock.release())).await;
            return self.ended_without_outcome(ended);
        }
        match self.exchange(&next, life).await {
            Err(error) if error.is_transient() => {
                tokio::spawn(async move {
                    let ended = self.insist(&next, life).await;
                    self.ended_without_outcome(ended);
                });
            }
            ended => self.ended_without_outcome(ended),
        }
    }

    fn core(&self) -> &EngineCore {
        &self.context.core
    }

    async fn exchange(&self, next: &Bytes, life: Duration) -> Result<LeaseStatus, StoreError> {
        let work = self.lease.exchange(self.core().store(), next, life);
        self.core().bounded("swap", pin!(work)).await
    }

    fn ended_without_outcome(self, ended: Result<LeaseStatus, StoreError>) {
        match ended {
            Ok(LeaseStatus::Held) => self.core().rooms.freed(&self.lease.key),
            Ok(LeaseStatus::Lost) => drop(self.lost()),
            // The lease ends the record's state without us.
            Err(error) => tracing::warn!(
                key = %self.lease.key,
                error = &error as &dyn StdError,
                "a key could not be given back; it is free when its lease is over",
            ),
        }
    }

    fn holds_for(&self, pause: Duration) -> bool {
        self.core().clock().steady() + pause < self.lease.ends()
    }

    fn lost(self) -> Completion {
        self.core().counters().lost.count();
        tracing::warn!(
            key = %self.lease.key,
            attempt = self.attempt(),
            "a run outlived its lease and another owner has its key; its outcome is not stored",
        );
        Completion::No
    }

    fn not_stored(self, error: &StoreError) -> Completion {
        self.core().counters().not_stored.count();
        tracing::error!(
            key = %self.lease.key,
            attempt = self.attempt(),
            error = error as &dyn StdError,
            "an outcome could not be stored; the key is not free before its lease is over",
        );
        Completion::No
    }
}
