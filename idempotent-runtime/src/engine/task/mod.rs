//! Tasks: requests that are stored, and run later by a process that has the time.
//!
//! A task is a record that waits to be claimed, as a token does, and its run is that claim: lease, renewals,
//! attempts and the one end are those of every run. Two values lie beside the record: the [`input`], which a
//! run needs, and the [`progress`] of a run. No runner asks the store for a list of records: the `index`
//! names the tasks that are not finished, for processes that look for work.
//!
//! The order makes a crash harmless. At the start: the record, the input, the entry in the index, and only
//! then the answer. At the end: the record, then the two values beside it, then the entry. If a step is
//! missing, it is done by the process that meets the task next: one that gets a retry, or one that looks for work.

mod forget;
mod found_task;
mod index;
pub(crate) mod input;
mod limits;
pub(crate) mod progress;
#[cfg(test)]
mod progress_tests;
mod queue;
mod reach;
#[cfg(test)]
mod silence_tests;
mod tasks;
#[cfg(test)]
mod tests;

pub(crate) use found_task::{FoundTask, TaskStage};
pub(crate) use input::Input;
pub(crate) use limits::{TaskLimits, TaskScope};
pub(crate) use queue::TaskTurn;
pub(crate) use reach::{TaskRoute, TaskTrial};
pub(crate) use tasks::{Cancellation, Submission, Tasks};
