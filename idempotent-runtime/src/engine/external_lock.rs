//! Locks that are no records of the store but live elsewhere.

use crate::engine::ask::Admission;
use crate::engine::claim::{Claim, Claimer};
use crate::engine::decide::Refusal;
use crate::engine::execution::{Ownership, RunContext};
use crate::engine::{Engine, IN_LINE};
use crate::error::StoreError;
use crate::store::record::Owner;
use crate::store::{LockRequest, Locks};
use std::time::Duration;

impl Engine {
    /// Where locks live, unless they are records.
    pub(crate) fn locks(&self) -> Option<&dyn Locks> {
        self.0.locks.as_deref()
    }
}

/// Waits for the lock there, and runs with its fence as the attempt.
pub(super) async fn take(
    locks: &dyn Locks,
    claim: &Claim,
    at_most: Duration,
    admitted: RunContext,
) -> Result<Admission, StoreError> {
    let wanted = LockRequest::new(&claim.key, &claim.label, at_most, claim.lease);
    let Some(lock) = locks.acquire(wanted).await? else {
        return Ok(Admission::Refused(Refusal::InProgress { retry_after: IN_LINE }));
    };
    if admitted.engine.running().is_closed() {
        lock.release().await?;
        return Ok(Admission::Refused(Refusal::Draining));
    }
    let by = Claimer { owner: Owner::random(), first: 0, take_over: None };
    let fence = lock.fence();
    let lease = claim.lease(&by, fence, 0, claim.running(&by, fence));
    Ok(Admission::Run(admitted.run(lease, Ownership::Lock(lock))))
}
