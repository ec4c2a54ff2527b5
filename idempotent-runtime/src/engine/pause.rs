//! Pauses between tries.

use std::pin::Pin;
use std::time::Duration;
use tokio::time::Sleep;

/// Between half of a duration and one and a half of it, so that many do not act in step.
pub(crate) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.5 + rand::random::<f64>())
}

/// A timer off the future that waits for it: pauses are rare, and futures are moved often.
pub(super) fn pause_for(time: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(time))
}
