//! Locks that are no records of the store: another system keeps them.

use crate::engine::admission::Admission;
use crate::engine::claim::{Claim, Claimer, Succession};
use crate::engine::decide::Refusal;
use crate::engine::execution::{Ownership, RunContext};
use crate::error::StoreError;
use crate::store::record::Owner;
use crate::store::{LockRequest, Locks};
use std::time::Duration;

/// Waits for the lock there, and runs with its fence as the attempt; `busy` is the answer if it waited
/// too long.
pub(super) async fn take(
    locks: &dyn Locks,
    claim: &Claim,
    at_most: Duration,
    busy: Refusal,
    context: RunContext,
) -> Result<Admission, StoreError> {
    let request = LockRequest::new(&claim.key, &claim.label, at_most, claim.lease);
    let Some(lock) = locks.acquire(request).await? else {
        return Ok(Admission::Refused(busy));
    };
    if context.core.in_flight.is_closed() {
        lock.release().await?;
        return Ok(Admission::Refused(Refusal::Draining));
    }
    let now = Duration::ZERO;
    let by = Claimer { owner: Owner::random(), now, first: 0, take_over: None };
    let fence = lock.fence();
    let lease = claim.lease(&by, fence, 0, claim.running(&by, fence, Succession::First));
    Ok(Admission::Run(context.run(lease, Ownership::Lock(lock))))
}
