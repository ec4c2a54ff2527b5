//! The states of a record, for people.

use crate::outcome::{Outcome, StoredResponse};
use std::fmt;
use std::time::Duration;

/// The state of a record, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordState {
    /// Its key may be claimed: it is an unused token, a task that waits, or a key that was given back.
    Issued,
    /// A run is under way, and excludes others.
    Running {
        /// The time until its lease is over, unless it is renewed.
        lease_left: Duration,
    },
    /// Its run's process died before an outcome was stored. The handler's `on_abandoned` says whether the
    /// next request takes the key over, or is told `outcome-unknown` until a person resolves it.
    Abandoned,
    /// The run has ended.
    Completed(KeptOutcome),
    /// It was cancelled before it ran, and will never run.
    Cancelled,
    /// Its bytes are not a record: they are damaged, or of another version.
    Undecodable,
}

/// The outcome of a run, as far as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeptOutcome {
    /// A response.
    Response {
        /// Its status.
        status: u16,
        /// The size of its body.
        bytes: usize,
        /// Whether the body was too long to keep, or broke: duplicates get `not-replayable`.
        is_cut: bool,
    },
    /// The value of a function.
    Value {
        /// Its size, serialised.
        bytes: usize,
    },
    /// The fact alone that the handler ran: duplicates get `not-replayable`.
    NotReplayable,
    /// A sealed response or value that no sealing key of this process opens.
    Sealed {
        /// Its size as it is stored.
        bytes: usize,
    },
}

/// The state of a record in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordStage {
    /// Its key may be claimed.
    Issued,
    /// A run is under way.
    Running,
    /// Its run's process died before an outcome was stored.
    Abandoned,
    /// The run has ended.
    Completed,
    /// It was cancelled, and will never run.
    Cancelled,
    /// Its bytes are not a record.
    Undecodable,
}

impl RecordStage {
    /// The word in the column `state`, which is the same for runs under way and for abandoned ones.
    pub(crate) const fn column(self) -> Option<&'static str> {
        match self {
            Self::Issued => Some("issued"),
            Self::Running | Self::Abandoned => Some("in progress"),
            Self::Completed => Some("completed"),
            Self::Cancelled => Some("cancelled"),
            Self::Undecodable => None,
        }
    }
}

impl fmt::Display for RecordStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issued => "issued",
            Self::Running => "running",
            Self::Abandoned => "abandoned",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Undecodable => "undecodable",
        })
    }
}

impl RecordState {
    /// The same in one word.
    #[must_use]
    pub const fn stage(self) -> RecordStage {
        match self {
            Self::Issued => RecordStage::Issued,
            Self::Running { .. } => RecordStage::Running,
            Self::Abandoned => RecordStage::Abandoned,
            Self::Completed(_) => RecordStage::Completed,
            Self::Cancelled => RecordStage::Cancelled,
            Self::Undecodable => RecordStage::Undecodable,
        }
    }
}

impl KeptOutcome {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Response(StoredResponse { status, body, is_cut, .. }) => {
                Self::Response { status: *status, bytes: body.len(), is_cut: *is_cut }
            }
            Outcome::Value(value) => Self::Value { bytes: value.len() },
            Outcome::Tombstone => Self::NotReplayable,
            Outcome::Sealed(sealed) => Self::Sealed { bytes: sealed.size() },
        }
    }
}
