//! The answer to a claim request.

use crate::engine::decide::Refusal;
use crate::engine::execution::Execution;
use crate::outcome::Outcome;

/// The answer to a claim request.
#[derive(Debug)]
pub enum Admission {
    /// It runs; whoever gets the execution must end it.
    Run(Execution),
    /// It ran before; this is the stored outcome, never a tombstone.
    Replay(Box<Outcome>),
    /// It must not run.
    Refused(Refusal),
}
