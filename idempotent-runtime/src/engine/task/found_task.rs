//! A task as its record says.

use crate::engine::engine::Engine;
use crate::engine::lease::{decode, left_of_lease};
use crate::engine::task::Input;
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::policy::{DefinitionId, OnAbandoned};
use crate::store::Entry;
use crate::store::record::{Record, State};
use std::time::Duration;

/// An abandoned task that was run this many times is held: it may be the reason why its processes died.
pub(super) const MOST_DEATHS: u64 = 10;

/// A task as it was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundTask {
    pub(crate) record: Record,
    pub(crate) stage: TaskStage,
    /// The time until the store drops its record.
    pub(crate) left: Duration,
    /// The time for which nobody else may run it, unless its lease is renewed.
    pub(super) leased_for: Duration,
}

/// The stage of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskStage {
    /// Nobody runs it yet.
    Waiting,
    /// A process runs it.
    Running,
    /// The process that ran it died.
    Abandoned,
    /// It ran, or was cancelled.
    Over,
    /// A person forgot it. Its parts are dropped, and a request may become this task again.
    Forgotten,
}

impl FoundTask {
    /// The step after its process died. A task without input is held, since nobody can run it.
    pub(crate) fn on_abandoned(&self, input: Option<&Input>) -> OnAbandoned {
        match input {
            Some(input) if self.record.attempt < MOST_DEATHS => input.on_abandoned,
            _ => OnAbandoned::Hold,
        }
    }

    /// The same task with its outcome opened, to be shown.
    ///
    /// # Errors
    /// When the outcome does not open.
    pub(crate) fn opened(mut self, engine: &Engine) -> Result<Self, StoreError> {
        if let State::Completed(outcome) = self.record.state {
            self.record.state = State::Completed(engine.opened(outcome, "read")?);
        }
        Ok(self)
    }

    pub(super) fn of(key: &StorageKey, entry: &Entry) -> Result<Self, StoreError> {
        let record = decode(key, &entry.value, "read")?;
        let (stage, leased_for) = match &record.state {
            State::Issued => (TaskStage::Waiting, None),
            State::InProgress { retention, .. } => match left_of_lease(entry, *retention) {
                None => (TaskStage::Abandoned, None),
                left => (TaskStage::Running, left),
            },
            State::Cancelled if is_forgotten(&record) => (TaskStage::Forgotten, None),
            State::Completed(_) | State::Cancelled => (TaskStage::Over, None),
        };
        let (left, leased_for) = (entry.left, leased_for.unwrap_or_default());
        Ok(Self { record, stage, left, leased_for })
    }
}

/// Whether a person forgot this task.
pub(super) fn is_forgotten(record: &Record) -> bool {
    record.state == State::Cancelled && record.origin.definition == DefinitionId::FORGOTTEN
}
