//! The answer to a claim request.

use crate::engine::decide::Refusal;
use crate::engine::execution::Execution;
use crate::outcome::Outcome;

/// The answer to a claim request.
#[derive(Debug)]
pub enum Admission {
    /// The request runs. Whoever gets the execution must end it.
    Run(Execution),
    /// The request ran before. This is the stored outcome, never a tombstone.
    Replay(Box<Outcome>),
    /// The request must not run.
    Refused(Refusal),
}
