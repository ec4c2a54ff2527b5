//! The history of a message, which travels with it.

use std::time::Duration;

/// The history of a message before this delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// The number of attempts whose handler failed.
    pub(super) failures: u32,
    /// The number of processes that died while they had the message.
    pub(super) deaths: u32,
    /// The time of its first delivery, since 1970.
    pub(super) first: Duration,
    /// The end of its life, since 1970, if its publisher set one.
    pub(super) deadline: Option<Duration>,
    /// Whether a guarded function of its handler claimed its key before.
    pub(super) claimed: bool,
    /// The reason why it is given up, once its history says that its last look begins.
    pub(super) given_up: Option<String>,
}

impl History {
    /// The history of a message that is delivered for the first time.
    #[cfg(feature = "redis")]
    pub(super) fn beginning(now: Duration) -> Self {
        Self { first: now, ..Self::default() }
    }

    /// The number of attempts before this delivery.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.saturating_add(self.deaths)
    }

    /// The number of the next attempt.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts().saturating_add(1)
    }

    /// Whether it may have killed its process, so that no other message should be worked on at the same time.
    pub(super) fn runs_alone(&self) -> bool {
        self.deaths > 0
    }

    /// The same history with one more failed attempt.
    pub(super) fn failed(self) -> Self {
        Self { failures: self.failures.saturating_add(1), ..self }
    }

    /// The same history with one more process that died.
    #[cfg(feature = "amqp")]
    pub(super) fn died(self) -> Self {
        Self { deaths: self.deaths.saturating_add(1), ..self }
    }
}
