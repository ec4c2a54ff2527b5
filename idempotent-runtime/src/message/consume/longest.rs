//! The longest time that a handler took, compared with the patience of a broker.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest time that a handler took, if it is to be compared with the time after which a broker gives a
/// delivery up.
#[derive(Debug, Default)]
pub(super) struct LongestHandler {
    timeout: Option<Duration>,
    at_once: u32,
    longest: Mutex<Duration>,
}

impl LongestHandler {
    /// Compares it with this time, where so many messages are worked on at once.
    pub(super) fn new(timeout: Option<Duration>, at_once: u16) -> Self {
        Self { timeout, at_once: at_once.into(), longest: Mutex::default() }
    }

    /// Notes how long a handler took, and tells once when that may be too long.
    pub(super) fn took(&self, time: Duration) {
        let Some(timeout) = self.timeout else { return };
        // Handlers that block their thread run one after the other, and the last ends after all.
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
