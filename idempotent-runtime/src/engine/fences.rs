//! The fences of locks: the first one of a lock that the store does not know.

use crate::clock::millis;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The largest fence that this process has seen.
#[derive(Debug, Default)]
pub(super) struct Fences(AtomicU64);

impl Fences {
    /// The first fence of a lock that the store does not know: the milliseconds since 1970, so that fences
    /// grow even if the store forgot the lock. It is also greater than every fence that this process has
    /// seen, so a clock that was set back, or that is behind another host's, does no harm.
    pub(super) fn first(&self, wall: Duration) -> u64 {
        millis(wall).max(self.0.load(Ordering::SeqCst).saturating_add(1))
    }

    pub(super) fn saw(&self, fence: u64) {
        self.0.fetch_max(fence, Ordering::SeqCst);
    }
}
