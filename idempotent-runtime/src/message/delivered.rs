//! The calls of guarded functions that a delivered message leads to.

use std::sync::atomic::{AtomicBool, Ordering};

/// The calls of guarded functions that a delivered message leads to: whether they may run, and how they ended.
///
/// It travels in the engine that the message's handler gives to its functions.
#[derive(Debug, Default)]
pub(crate) struct DeliveredCalls {
    /// Whether a call that has not run before is refused.
    only_replays: bool,
    claimed: AtomicBool,
    replayed: AtomicBool,
    refused: AtomicBool,
}

/// The end of a guarded call, as far as a queue needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnding {
    /// It holds its key, and runs.
    Claimed,
    /// It ran before.
    Replayed,
    /// It does not run.
    Refused,
}

impl DeliveredCalls {
    /// Calls that may run; or, if it is only asked whether they have run, may not.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn new(only_replays: bool) -> Self {
        Self { only_replays, ..Self::default() }
    }

    /// Begins to ask anew.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn begin(&self) {
        self.replayed.store(false, Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
    }

    pub(crate) fn only_replays(&self) -> bool {
        self.only_replays
    }

    pub(crate) fn note(&self, ending: CallEnding) {
        let flag = match ending {
            CallEnding::Claimed => &self.claimed,
            CallEnding::Replayed => &self.replayed,
            CallEnding::Refused => &self.refused,
        };
        flag.store(true, Ordering::Relaxed);
    }

    /// Whether one of them held its key.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn has_claimed(&self) -> bool {
        self.claimed.load(Ordering::Relaxed)
    }

    /// Whether there were calls, and all of them had run before.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn are_all_done(&self) -> bool {
        self.replayed.load(Ordering::Relaxed)
            && !self.refused.load(Ordering::Relaxed)
            && !self.claimed.load(Ordering::Relaxed)
    }
}
