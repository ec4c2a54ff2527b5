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
    /// The longest wait for a first request in flight.
    pub wait: Duration,
    /// The time in which the key can be claimed again after a run that stored no outcome.
    pub reclaim: ReclaimWindow,
}

/// The time for which the store keeps a key that its run gave back, if no other owner ever had it.
const BRIEFLY: Duration = Duration::from_mins(5);

/// The time in which a key that was given back can be claimed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReclaimWindow {
    /// For this long from that moment.
    For(Duration),
    /// For five minutes from that moment, or for the length of the lease if that is longer, but never for
    /// longer than this. It holds only if no other owner ever had the key, since then no older attempt can
    /// come back. Otherwise for this long.
    Briefly(Duration),
    /// Until this moment of the engine's wall clock, given as the time since 1970.
    Until(Duration),
}

impl ReclaimWindow {
    /// The time that is left from now on, for a key with this lease and history. `wall` is the
    /// engine's wall clock.
    pub(super) fn life(self, wall: Duration, lease: Duration, history: Succession) -> Duration {
        match (self, history) {
            (Self::Briefly(most), Succession::First) => BRIEFLY.max(lease).min(most),
            (Self::For(life) | Self::Briefly(life), _) => life,
            (Self::Until(end), _) => end.saturating_sub(wall),
        }
    }
}
