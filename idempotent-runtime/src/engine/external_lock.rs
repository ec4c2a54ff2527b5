//! Locks that are not records of the store: another system keeps them.

use crate::engine::admission::Admission;
use crate::engine::claim::Claim;
use crate::engine::claimer::Claimer;
use crate::engine::decide::Refusal;
use crate::engine::execution::Ownership;
use crate::engine::run_context::RunContext;
use crate::engine::unlock::unlock;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::record::Owner;
use crate::store::{LockRequest, Locks};
use std::time::Duration;
use tokio::time::timeout;

/// Waits for the external lock, and runs with its fence as the attempt. Returns `busy` if it waited
/// too long.
pub(super) async fn take(
    locks: &dyn Locks,
    claim: &Claim,
    at_most: Duration,
    busy: Refusal,
    context: RunContext,
) -> Result<Admission, StoreError> {
    let request = LockRequest::new(&claim.key, &claim.label, at_most, claim.lease);
    let patience = context.core.tools.patience;
    // A wait for other owners is not an error of the backend.
    let acquired = timeout(at_most.saturating_add(patience), locks.acquire(request)).await;
    let late = |_| Err(StoreError::new(StoreErrorKind::Timeout, "acquire"));
    let Some(lock) = acquired.unwrap_or_else(late)? else {
        return Ok(Admission::Refused(busy));
    };
    let now = Duration::ZERO;
    let by = Claimer { owner: Owner::random(), now, first: 0, take_over: None };
    let fence = lock.fence();
    let lease = claim.lease(&by, fence, 0, claim.running(&by, fence));
    if context.core.in_flight.is_closed() {
        unlock(lock, lease, context).await;
        return Ok(Admission::Refused(Refusal::Draining));
    }
    Ok(Admission::Run(context.run(lease, Ownership::Lock(lock))))
}
