//! The end of a lock that is not a record: its release, tried like the last record of a run.

use crate::engine::core::EngineCore;
use crate::engine::heartbeat::caught;
use crate::engine::lease::Lease;
use crate::engine::run_context::RunContext;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{LeaseStatus, LockHandle};
use std::convert::Infallible;
use std::error::Error as StdError;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Releases a lock, and waits for that no longer than the engine's patience.
///
/// The release goes on without the caller, even if this future is dropped, on the heartbeat's thread, until
/// the lock is released or its lease is over. A drain waits for it.
pub(super) fn unlock(
    lock: Box<dyn LockHandle>,
    lease: Arc<Lease>,
    context: RunContext,
) -> impl Future<Output = ()> {
    let RunContext { core, in_flight, _front: front, .. } = context;
    let (patience, (tell, told)) = (core.tools.patience, oneshot::channel());
    let behind = Arc::clone(&core);
    core.spawn(async move {
        let released = timeout(lease.length(), caught("release", lock.release())).await;
        let late = |_| Err(StoreError::new(StoreErrorKind::Timeout, "release"));
        ended(released.unwrap_or_else(late), &lease, &behind);
        drop((in_flight, tell));
    });
    async move {
        // Nothing is sent. The end is that the sender is dropped.
        let _over: Result<Result<Infallible, _>, _> = timeout(patience, told).await;
        // The requests in the queue wait no longer.
        drop(front);
    }
}

fn ended(released: Result<LeaseStatus, StoreError>, lease: &Lease, core: &EngineCore) {
    let (key, attempt) = (&lease.key, lease.attempt());
    match released {
        Ok(LeaseStatus::Held) => core.rooms.changed(key),
        Ok(LeaseStatus::Lost) => {
            core.counters().lost.count();
            tracing::warn!(%key, attempt, "a lock was lost while its run went on");
        }
        // The lock's session ends it without us.
        Err(error) => {
            let error = &error as &dyn StdError;
            let what = "a lock could not be released; it is free when its lease expires";
            tracing::warn!(%key, attempt, error, "{what}");
        }
    }
}
