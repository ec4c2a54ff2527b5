//! A run under way, from its claim to its end.

use crate::engine::completion::{Completion, Leaves};
use crate::engine::core::EngineCore;
use crate::engine::deadline::within;
use crate::engine::ending::Ending;
use crate::engine::lease::Lease;
use crate::engine::renewal_queue::RenewalGuard;
use crate::engine::run_context::RunContext;
use crate::engine::unlock::unlock;
use crate::error::StoreError;
use crate::outcome::Outcome;
use crate::store::{LeaseStatus, LockHandle};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Either;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// A run that holds its key.
///
/// It ends by [`complete`](Self::complete), [`release`](Self::release) or
/// [`abandon`](Self::abandon). If it is dropped without one of them, its key stays taken until the
/// lease expires, as if the process had died.
#[derive(Debug)]
#[must_use = "a run that is dropped keeps its key until the lease is over"]
pub struct Execution {
    context: RunContext,
    lease: Arc<Lease>,
    ownership: Ownership,
}

/// The way in which a run keeps its key.
#[derive(Debug)]
pub(super) enum Ownership {
    /// The record in the store is renewed until the run ends.
    Renewed(#[expect(dead_code, reason = "it is kept, and dropped")] RenewalGuard),
    /// The run is about to end.
    Ending,
    /// The lock of an external system; the store holds no lease.
    Lock(Box<dyn LockHandle>),
}

impl RunContext {
    pub(super) fn run(self, lease: Arc<Lease>, ownership: Ownership) -> Execution {
        Execution { context: self, lease, ownership }
    }
}

impl Execution {
    /// The number of this run: greater than that of every earlier claim of its key. The fence to
    /// pass on.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.lease.attempt()
    }

    /// The length of its lease.
    #[cfg(feature = "actix")]
    pub(crate) fn lease(&self) -> Duration {
        self.lease.length()
    }

    /// Extends the lease by its length from now, as the heartbeat does by itself. Tells whether
    /// this run still has the key.
    ///
    /// # Errors
    /// When the store did not answer; the lease may have been extended.
    pub async fn renew(&self) -> Result<LeaseStatus, StoreError> {
        if let Ownership::Lock(lock) = &self.ownership {
            // An external lock is not renewed: its session is alive, or it is not.
            return Ok(if lock.is_certain() { LeaseStatus::Held } else { LeaseStatus::Lost });
        }
        let work = self.lease.renew(self.core().store(), self.core().clock());
        let renewed = within(self.core().tools.patience, "swap", pin!(work)).await?;
        Ok(if renewed.is_ours() { LeaseStatus::Held } else { LeaseStatus::Lost })
    }

    /// Whether it is certain that no other owner has the key by now.
    ///
    /// A run can outlive its lease if its process was stopped or the store is away. It learns that
    /// here when it asks next, or from a resource that checks its attempt.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        match &self.ownership {
            Ownership::Lock(lock) => lock.is_certain(),
            Ownership::Renewed(_) | Ownership::Ending => self.lease.holds(self.core().clock()),
        }
    }

    /// Stores the outcome of the run, for `ttl` from now.
    ///
    /// An external lock stores nothing, and is released. If the store does not take the outcome, it is
    /// asked again until the lease is lost or the ttl is over. The future waits for that no longer than
    /// the engine's patience. If it is dropped, the engine goes on asking.
    pub fn complete(self, outcome: Outcome, ttl: Duration) -> impl Future<Output = Completion> {
        if let Ownership::Lock(_) = self.ownership {
            // Rare paths are boxed, because their futures are large.
            return Either::Left(self.release().map(|()| Completion::No).boxed());
        }
        // Encoded outside the future, because futures are moved often.
        let last = self.lease.completed(&self.core().seal, outcome);
        let bytes = u32::try_from(last.len()).unwrap_or(u32::MAX);
        self.core().counters().meters.record_bytes.record(bytes);
        Either::Right(self.ending(Leaves::Outcome, last, ttl).put())
    }

    /// Gives the key back, so that the next request with it runs.
    ///
    /// If the store does not answer, it is asked again until the lease is lost. The future does not wait
    /// for that.
    pub fn release(self) -> impl Future<Output = ()> {
        let (wall, lease) = (self.core().clock().wall(), &self.lease);
        let life = self.context.reclaim.life(wall, lease.length(), lease.history());
        let last = self.lease.released();
        self.let_go(last, life)
    }

    /// Gives the key back without making the caller wait. The caller need not be in a runtime.
    #[cfg(feature = "actix")]
    pub(crate) fn release_behind(self) {
        let core = Arc::clone(&self.context.core);
        core.spawn(self.release());
    }

    /// Ends the lease at once. The policy decides whether the next request runs or is held.
    pub fn abandon(self) -> impl Future<Output = ()> {
        let (last, life) = (self.lease.given_up(), self.lease.retention);
        self.let_go(last, life)
    }

    fn let_go(mut self, last: Bytes, life: Duration) -> impl Future<Output = ()> {
        match std::mem::replace(&mut self.ownership, Ownership::Ending) {
            Ownership::Lock(lock) => Either::Left(unlock(lock, self.lease, self.context).boxed()),
            Ownership::Renewed(_) | Ownership::Ending => {
                Either::Right(self.ending(Leaves::FreeKey, last, life).put().map(drop))
            }
        }
    }

    /// Ends the renewals. From here on the run comes to its end, even if nobody waits for it.
    fn ending(self, leaves: Leaves, last: Bytes, life: Duration) -> Ending {
        let Self { context, lease, ownership } = self;
        drop(ownership);
        Ending::new(context, lease, leaves, last, life)
    }

    fn core(&self) -> &EngineCore {
        &self.context.core
    }
}
