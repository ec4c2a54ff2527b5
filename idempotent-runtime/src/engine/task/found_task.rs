//! A task as its record says.

use crate::engine::lease::{decode, left_of_lease};
use crate::engine::task::Input;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::policy::OnAbandoned;
use crate::store::Entry;
use crate::store::record::{Record, State};

/// After so many runs whose process died, a task is held: it may be what they died of.
pub(super) const MOST_DEATHS: u64 = 10;

/// A task as it was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundTask {
    pub(crate) record: Record,
    pub(crate) stage: TaskStage,
}

/// The stage of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskStage {
    /// Nobody runs it yet.
    Waiting,
    /// Somebody does.
    Running,
    /// The process that ran it died.
    Abandoned,
    /// It ran, or never will.
    Over,
}

impl FoundTask {
    /// Its fate after its process died. Without its input, nobody can run it.
    pub(crate) fn on_abandoned(&self, input: Option<&Input>) -> OnAbandoned {
        match input {
            Some(input) if self.record.attempt < MOST_DEATHS => input.on_abandoned,
            _ => OnAbandoned::Hold,
        }
    }

    pub(super) fn of(key: &StorageKey, entry: &Entry) -> Result<Self, StoreError> {
        let record = decode(key, &entry.value, "read")?;
        let stage = match &record.state {
            State::Issued => TaskStage::Waiting,
            State::InProgress { retention, .. } if left_of_lease(entry, *retention).is_some() => {
                TaskStage::Running
            }
            State::InProgress { .. } => TaskStage::Abandoned,
            State::Completed(_) | State::Cancelled => TaskStage::Over,
        };
        Ok(Self { record, stage })
    }
}
