//! The guarded calls that a handler makes for a delivered message.

use std::sync::atomic::{AtomicBool, Ordering};

/// The guarded calls that a handler makes for a delivered message: whether they may run, and how they ended.
///
/// It is a part of the engine that the handler passes to its functions.
#[derive(Debug, Default)]
pub(crate) struct DeliveredCalls {
    /// Whether a call is refused that did not run before.
    only_replays: bool,
    claimed: AtomicBool,
    replayed: AtomicBool,
    refused: AtomicBool,
}

/// The end of a guarded call, as far as it matters for a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnding {
    /// The call claimed its key, and runs.
    Claimed,
    /// The call ran before.
    Replayed,
    /// The call does not run.
    Refused,
}

impl DeliveredCalls {
    /// Calls that may run. With `only_replays` they may not: the question is only whether they have run.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn new(only_replays: bool) -> Self {
        Self { only_replays, ..Self::default() }
    }

    /// Begins a new attempt.
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

    /// Whether one of the calls claimed its key.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn has_claimed(&self) -> bool {
        self.claimed.load(Ordering::Relaxed)
    }

    /// Whether there were calls in this attempt, and all of them had run before.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn are_all_done(&self) -> bool {
        self.replayed.load(Ordering::Relaxed)
            && !self.refused.load(Ordering::Relaxed)
            && !self.claimed.load(Ordering::Relaxed)
    }
}
