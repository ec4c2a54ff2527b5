//! Why a key is not its owner's any more.

use crate::store::record::State;
use std::fmt;

/// Why a key is not its owner's any more: the kind of value that was read in the place of the owner's record.
///
/// A lease that is over is not a reason: only another value under the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Loss {
    /// The record of another owner, who runs or died.
    Taken,
    /// A key that was given back: by a person, or because the answer was to be forgotten.
    GivenBack,
    /// The end of another run, or of a task that was cancelled.
    Ended,
    /// No record: the store forgot it, and the policy does not put it again.
    Forgotten,
}

impl Loss {
    /// The reason, for a record in this state that is not its owner's.
    pub(super) const fn to(state: &State) -> Self {
        match state {
            State::InProgress { .. } => Self::Taken,
            State::Issued => Self::GivenBack,
            State::Completed(_) | State::Cancelled => Self::Ended,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "another owner has its key",
            Self::GivenBack => "its key was given back",
            Self::Ended => "the end of another run is under its key",
            Self::Forgotten => "the store has nothing under its key",
        })
    }
}
