//! Pauses between tries.

use std::pin::Pin;
use std::time::Duration;
use tokio::time::Sleep;

/// A timer outside of the future that waits for it: pauses are rare, and futures are moved often.
pub(super) fn pause_for(time: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(time))
}
