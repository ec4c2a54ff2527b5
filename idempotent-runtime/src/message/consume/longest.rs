//! Compares the longest time that a handler took with the patience of a broker.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest time that a handler took, and the time after which a broker gives up a delivery, if that is known.
#[derive(Debug, Default)]
pub(super) struct LongestHandler {
    timeout: Option<Duration>,
    at_once: u32,
    longest: Mutex<Duration>,
}

impl LongestHandler {
    /// Compares with this time, for a consumer that works on this many messages at the same time.
    pub(super) fn new(timeout: Option<Duration>, at_once: u16) -> Self {
        Self { timeout, at_once: at_once.into(), longest: Mutex::default() }
    }

    /// Notes how long a handler took, and logs once if that may be too long.
    pub(super) fn took(&self, time: Duration) {
        let Some(timeout) = self.timeout else { return };
        // Handlers that block their thread run one after the other, so the last one ends after all the others.
        let is_late = |time: Duration| time.saturating_mul(self.at_once) >= timeout;
        let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        if is_late(time) && !is_late(*longest) {
            let at_once = self.at_once;
            tracing::warn!(
                ?time,
                at_once,
                ?timeout,
                "handlers may take longer than the broker waits for an acknowledgement: take fewer \
                 messages at once, or raise its consumer_timeout"
            );
        }
        *longest = time.max(*longest);
    }
}
