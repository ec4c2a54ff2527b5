//! A request for a key, with the rules for its duplicates.

use crate::engine::claim::Claim;
use crate::engine::decide::DuplicateRules;
use std::time::Duration;

/// A request for a key, with the rules for its duplicates.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The key, and what its record says.
    pub claim: Claim,
    /// The rules for duplicates.
    pub rules: DuplicateRules,
    /// How long to wait for a first request in flight.
    pub wait: Duration,
    /// How long the key can be claimed again after a run that left nothing behind.
    pub reclaim: ReclaimWindow,
}

/// How long a key that was given back can be claimed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReclaimWindow {
    /// This long from then.
    For(Duration),
    /// Until this moment of the engine's wall clock, as time since 1970.
    Until(Duration),
}

impl ReclaimWindow {
    /// The time from now on, by the engine's wall clock.
    pub(super) const fn life(self, wall: Duration) -> Duration {
        match self {
            Self::For(life) => life,
            Self::Until(end) => end.saturating_sub(wall),
        }
    }
}
