//! The end of a process: no new runs, and the fate of those that do not finish in time.

use crate::engine::core::EngineCore;
use crate::engine::deadline::within;
use crate::engine::lease::Lease;
use futures_util::future::join_all;
use std::error::Error as StdError;
use std::pin::pin;
use std::time::Duration;

/// The fate of runs that are not finished when a drain has waited long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDrainTimeout {
    /// Their keys stay taken until their leases are over.
    #[default]
    Leased,
    /// Their keys are given back at once, as if their leases were over, and `on_abandoned` decides.
    ///
    /// For a process that ends right after its drain: until it does, a run that still goes on can
    /// meet its successor.
    Abandoned,
}

/// Takes no new runs and waits for those under way. Returns the number of runs that are left.
pub(super) async fn drain(
    core: &EngineCore,
    at_most: Duration,
    on_timeout: OnDrainTimeout,
) -> usize {
    let left = core.in_flight.drain(at_most).await;
    if left > 0 {
        tracing::warn!(left, ?on_timeout, "the process ends while runs are still under way");
    }
    if left > 0 && on_timeout == OnDrainTimeout::Abandoned {
        let leases = core.heartbeat.stop();
        join_all(leases.iter().map(|lease| let_go(core, lease))).await;
    }
    left
}

async fn let_go(core: &EngineCore, lease: &Lease) {
    let next = lease.given_up();
    let work = lease.exchange(core.store(), &next, lease.retention);
    if let Err(error) = within(core.tools.patience, "swap", pin!(work)).await {
        tracing::warn!(
            key = %lease.key,
            error = &error as &dyn StdError,
            "a key could not be given back; it is freed when the lease expires",
        );
    }
}
