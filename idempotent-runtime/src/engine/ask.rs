//! What the engine is asked, and what it answers.

use crate::engine::Execution;
use crate::engine::claim::Claim;
use crate::engine::decide::{Refusal, Rules};
use crate::outcome::Outcome;
use std::time::Duration;

/// What a request asks of the engine.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// What is claimed.
    pub claim: Claim,
    /// How duplicates are judged.
    pub rules: Rules,
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

/// What the engine answers.
#[derive(Debug)]
pub enum Admission {
    /// Run it, then end the execution.
    Run(Execution),
    /// It ran before; this is what it left behind, and no tombstone.
    Replay(Box<Outcome>),
    /// It must not run.
    Refused(Refusal),
}
