//! The end of a run: it puts the last record of its lease, and tries until that record is stored.
//!
//! The first try is made where the run ends. If it fails or is dropped, the heartbeat's thread goes on, which
//! neither a blocked worker nor a server that stops can hold up. It goes on after every error, since an end
//! that is given up frees the key after its lease, and the effect would happen again. It stops when the lease
//! is lost, when a record cannot be read, and when the record's life would be over.

use crate::clock::jittered;
use crate::engine::completion::{Completion, End, Leaves};
use crate::engine::core::EngineCore;
use crate::engine::deadline::{within, within_by};
use crate::engine::heartbeat::caught;
use crate::engine::lease::{Lease, Put};
use crate::engine::pause::pause_for;
use crate::engine::refusals::Refusals;
use crate::engine::remembered::{AskedAt, Remembering};
use crate::engine::run_context::RunContext;
use crate::error::StoreError;
use crate::outcome::Outcome;
use bytes::Bytes;
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// The pause before the first repetition. It doubles with each one, up to this part of the lease and
/// up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PART: u32 = 12;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A run that is about to end. If this is dropped before, the end goes on without its caller.
#[derive(Debug)]
pub(super) struct Ending(Option<UnstoredEnd>);

/// A run whose last record is not stored yet.
#[derive(Debug)]
struct UnstoredEnd {
    context: RunContext,
    lease: Arc<Lease>,
    leaves: Leaves,
    last: Bytes,
    /// The moment before anything was sent.
    asked: AskedAt,
    /// The end of the record's life, in steady time.
    ends: Duration,
}

impl Ending {
    /// The end of a run by its last record, which lives for `life` from now.
    pub(super) fn new(
        context: RunContext,
        lease: Arc<Lease>,
        leaves: Leaves,
        last: Bytes,
        life: Duration,
    ) -> Self {
        let now = context.core.clock().steady();
        let ends = now.saturating_add(life);
        let asked = context.core.remembered.asking(&lease.key, now);
        Self(Some(UnstoredEnd { context, lease, leaves, last, asked, ends }))
    }

    /// Puts the record. The caller waits for an outcome as long as the engine's patience lasts, and for a
    /// key that is given back only until the first answer of the store.
    #[expect(clippy::manual_async_fn, reason = "what an async function is given is kept twice")]
    pub(super) fn put(mut self) -> impl Future<Output = Completion> {
        async move {
            let Some(unstored) = &self.0 else { return Completion::No };
            let began = Instant::now();
            let tried = unstored.exchange().await;
            let Some(unstored) = self.0.take() else { return Completion::No };
            match tried {
                // Rare paths are boxed, because their futures are large.
                Err(error) if !error.is_corrupt() => {
                    Box::pin(unstored.go_on_behind(error, began)).await
                }
                tried => End::told(Some(unstored.ended(tried)), unstored.core().counters()),
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(unstored) = self.0.take() {
            unstored.insist(Refusals::default(), None);
        }
    }
}

impl UnstoredEnd {
    /// Tries until the record is stored, and lets the caller wait until the engine's patience is over.
    async fn go_on_behind(mut self, error: StoreError, began: Instant) -> Completion {
        let (core, key) = (Arc::clone(&self.context.core), self.lease.key);
        let mut refusals = Refusals::default();
        self.heed(&mut refusals, &error, false);
        if self.leaves == Leaves::FreeKey {
            self.insist(refusals, None);
            return Completion::No;
        }
        let (tell, mut told) = oneshot::channel();
        self.insist(refusals, Some(tell));
        let left = core.tools.patience.saturating_sub(began.elapsed());
        let end = match timeout(left, &mut told).await {
            Ok(end) => end.ok(),
            Err(_late) => {
                told.close();
                told.try_recv().ok()
            }
        };
        if end.is_none() {
            tracing::warn!(
                %key,
                error = &error as &dyn StdError,
                "an outcome is not stored yet; its client is told so, and storing goes on",
            );
        }
        End::told(end, core.counters())
    }

    /// Tries on the heartbeat's thread, for as long as it takes.
    fn insist(mut self, refusals: Refusals, tell: Option<oneshot::Sender<End>>) {
        let core = Arc::clone(&self.context.core);
        core.spawn(async move {
            let end = self.until_it_ends(refusals).await;
            let was_told = tell.is_some();
            if let Err(end) = tell.map_or(Err(end), |tell| tell.send(end)) {
                end.unheard(was_told, self.core().counters());
            }
            // Dropped here, so that a drain that waits for the last run finds it counted.
            drop(self);
        });
    }

    async fn until_it_ends(&mut self, mut refusals: Refusals) -> End {
        let mut pause = FIRST_PAUSE;
        loop {
            pause_for(jittered(pause)).await;
            pause = longer(pause, self.lease.length());
            match self.try_again(&mut refusals).await {
                Err(error) if !error.is_corrupt() && !self.is_over() => {}
                tried => return self.ended(tried),
            }
        }
    }

    /// Renews the lease, so that nobody else runs meanwhile, and tries once more to put the record.
    async fn try_again(&mut self, refusals: &mut Refusals) -> Result<Put, StoreError> {
        let core = Arc::clone(&self.context.core);
        let _turn = core.turns.acquire().await;
        let is_renewed = self.leaves != Leaves::FreeKey && self.renew().await;
        let tried = self.exchange().await;
        if let Err(error) = &tried {
            self.heed(refusals, error, is_renewed);
        }
        tried
    }

    async fn renew(&self) -> bool {
        let renewed = caught("swap", self.lease.renew(self.core().store(), self.core().clock()));
        let renewed = within(self.core().tools.patience, "swap", pin!(renewed)).await;
        renewed.is_ok_and(Put::is_ours)
    }

    async fn exchange(&self) -> Result<Put, StoreError> {
        let life = self.ends.saturating_sub(self.core().clock().steady());
        let put = caught("swap", self.lease.exchange(self.core().store(), &self.last, life));
        let (silence, patience) =
            (self.core().store().longest_silence(), self.core().tools.patience);
        within_by(silence, patience, "swap", pin!(put)).await
    }

    /// Stores only the fact that it ran, if the store will never take the outcome.
    fn heed(&mut self, refusals: &mut Refusals, error: &StoreError, is_renewed: bool) {
        let now = self.core().clock().steady();
        let is_hopeless = refusals.is_hopeless(error, is_renewed, now, self.lease.length());
        if self.leaves == Leaves::Outcome && is_hopeless {
            tracing::error!(
                key = %self.lease.key,
                attempt = self.lease.attempt(),
                error = error as &dyn StdError,
                "the store does not take an outcome; only the fact that it ran is kept, and \
                 duplicates get `not-replayable`",
            );
            self.leaves = Leaves::FactAlone;
            self.last = self.lease.completed(&self.core().seal, Outcome::Tombstone);
        }
    }

    /// Whether the tries are over. (No field says so, since it would enlarge the future of every request.)
    fn is_over(&self) -> bool {
        // A key is given back for as long as a lease would block it, even if the key may be claimed again for
        // a shorter time.
        let is_given_back = self.leaves == Leaves::FreeKey;
        let shortest = if is_given_back { self.lease.length() } else { Duration::ZERO };
        self.core().clock().steady() >= self.ends.max(self.asked.at() + shortest)
    }

    fn ended(&self, tried: Result<Put, StoreError>) -> End {
        let (rooms, key, leaves) = (&self.core().rooms, &self.lease.key, self.leaves);
        let attempt = self.lease.attempt();
        match tried {
            Ok(Put::Lost(loss)) => {
                tracing::warn!(%key, attempt, "a run ended after it had lost its key, and its outcome is not stored: {loss}");
                return End::Lost;
            }
            Ok(_) => {
                let end = if leaves == Leaves::FreeKey {
                    "a key is given back"
                } else {
                    "an outcome is stored"
                };
                tracing::debug!(%key, attempt, "{end}");
                self.remember();
                rooms.changed(key);
            }
            Err(error) => {
                let (error, what) = (&error as &dyn StdError, leaves.failed());
                tracing::error!(%key, attempt, error, "{what}; its key stays taken until the lease expires");
                return End::without(leaves);
            }
        }
        End::leaving(leaves)
    }

    /// Remembers the stored outcome, so that a replay needs no round trip.
    fn remember(&self) {
        let is_outcome = self.leaves != Leaves::FreeKey;
        if is_outcome && self.context.remembering == Remembering::Wanted {
            let (remembered, key) = (&self.core().remembered, &self.lease.key);
            remembered.keep(key, &self.last, self.asked, self.ends);
        }
    }

    fn core(&self) -> &EngineCore {
        &self.context.core
    }
}

/// The next pause. It is so short that a lease that is renewed between two tries does not end
/// between them.
fn longer(pause: Duration, lease: Duration) -> Duration {
    (pause * 2).min(lease / LONGEST_PART).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S17: while a store refuses for a part of a lease, it is asked again before the lease is over.
    #[test]
    fn a_lease_lasts_for_several_tries_and_a_long_one_is_asked_for_every_second() {
        for (millis, longest) in [(240, 20), (1_000, 83), (12_000, 1_000), (600_000, 1_000)] {
            let (lease, mut pause) = (Duration::from_millis(millis), FIRST_PAUSE);
            for _ in 0..20 {
                pause = longer(pause, lease);
            }
            assert_eq!(pause.as_millis(), longest, "{lease:?}");
        }
    }
}
