//! The end of a process: no new runs, and what becomes of those that do not finish in time.

use crate::engine::Engine;
use crate::engine::lease::Lease;
use futures_util::future::join_all;
use std::error::Error as StdError;
use std::pin::pin;
use std::time::Duration;

/// What becomes of runs that are not finished when a drain has waited long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDrainTimeout {
    /// Their leases end them: nobody else runs with their keys before that.
    #[default]
    Leased,
    /// Their keys are let go at once, as if their leases were over, and `on_abandoned` decides.
    ///
    /// For a process that ends right after its drain: until it does, a run that still goes on can
    /// meet its successor.
    Abandoned,
}

impl Engine {
    /// How many runs are under way in this process, those that wait for one included.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.running().now()
    }

    /// Takes no new runs and waits for those under way; answers how many are left.
    pub async fn drain(&self, at_most: Duration, on_drain_timeout: OnDrainTimeout) -> usize {
        let left = self.running().drain(at_most).await;
        if left > 0 {
            tracing::warn!(left, ?on_drain_timeout, "runs are under way while the process ends");
        }
        if left > 0 && on_drain_timeout == OnDrainTimeout::Abandoned {
            let leases = self.heartbeat().stop();
            join_all(leases.iter().map(|lease| self.let_go(lease))).await;
        }
        left
    }

    async fn let_go(&self, lease: &Lease) {
        let next = lease.given_up();
        let work = lease.exchange(self.store(), &next, lease.retention);
        if let Err(error) = self.bounded("swap", pin!(work)).await {
            tracing::warn!(
                key = %lease.key,
                error = &error as &dyn StdError,
                "a key could not be let go; it is free when its lease is over",
            );
        }
    }
}
