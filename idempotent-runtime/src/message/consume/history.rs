//! The past of a message, which travels with it.

use std::time::Duration;

/// The past of a message before this delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// The attempts whose handler failed.
    pub(super) failures: u32,
    /// The processes that died while they had it.
    pub(super) deaths: u32,
    /// Its first delivery, since 1970.
    pub(super) first: Duration,
    /// The end of its life, since 1970, if its publisher set one.
    pub(super) deadline: Option<Duration>,
    /// Whether a guarded function of its handler held its key at some time.
    pub(super) claimed: bool,
    /// The reason for which it is given up, once it was written down that its last look begins.
    pub(super) given_up: Option<String>,
}

impl History {
    /// The past of a message that is delivered for the first time.
    #[cfg(feature = "redis")]
    pub(super) fn beginning(now: Duration) -> Self {
        Self { first: now, ..Self::default() }
    }

    /// The attempts that it has behind it.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.saturating_add(self.deaths)
    }

    /// The number of the attempt that comes next.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts().saturating_add(1)
    }

    /// Whether it may have killed its process, so that no other message should be worked on beside it.
    pub(super) fn runs_alone(&self) -> bool {
        self.deaths > 0
    }

    /// The same with one more attempt that failed.
    pub(super) fn failed(self) -> Self {
        Self { failures: self.failures.saturating_add(1), ..self }
    }

    /// The same with one more process that died.
    #[cfg(feature = "amqp")]
    pub(super) fn died(self) -> Self {
        Self { deaths: self.deaths.saturating_add(1), ..self }
    }
}
