//! A request for a key, with the rules for its duplicates.

use crate::engine::claim::Claim;
use crate::engine::decide::DuplicateRules;
use crate::engine::succession::Succession;
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

/// How long a key is remembered that its own run gave back, and that nobody else ever had.
const BRIEFLY: Duration = Duration::from_mins(5);

/// How long a key that was given back can be claimed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReclaimWindow {
    /// This long from then.
    For(Duration),
    /// Five minutes from then, or its lease if that is longer, where nobody but its own run ever had the key: there
    /// is no other owner whose attempt must stay the smaller one. Otherwise, and at the most, this long.
    Briefly(Duration),
    /// Until this moment of the engine's wall clock, as time since 1970.
    Until(Duration),
}

impl ReclaimWindow {
    /// The time from now on, by the engine's wall clock, for a key with this lease and history.
    pub(super) fn life(self, wall: Duration, lease: Duration, history: Succession) -> Duration {
        match (self, history) {
            (Self::Briefly(most), Succession::First) => BRIEFLY.max(lease).min(most),
            (Self::For(life) | Self::Briefly(life), _) => life,
            (Self::Until(end), _) => end.saturating_sub(wall),
        }
    }
}
