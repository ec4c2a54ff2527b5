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

/// After so many runs whose process died, a task is held: it may be what they died of.
pub(super) const MOST_DEATHS: u64 = 10;

/// A task as it was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundTask {
    pub(crate) record: Record,
    pub(crate) stage: TaskStage,
    /// How long its record lives on.
    pub(crate) left: Duration,
    /// How long nobody else may run it, unless its lease is renewed.
    pub(super) leased_for: Duration,
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
    /// A person forgot it: it has no parts any more, and a request may become it again.
    Forgotten,
}

impl FoundTask {
    /// Its fate after its process died. Without its input, nobody can run it.
    pub(crate) fn on_abandoned(&self, input: Option<&Input>) -> OnAbandoned {
        match input {
            Some(input) if self.record.attempt < MOST_DEATHS => input.on_abandoned,
            _ => OnAbandoned::Hold,
        }
    }

    /// The same with its outcome as its run left it, for who is shown it.
    ///
    /// # Errors
    /// When it does not open.
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
