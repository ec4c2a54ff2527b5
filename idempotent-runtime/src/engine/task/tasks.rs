//! The tasks of one app: to submit, find, cancel and finish them.

use crate::clock::jittered;
use crate::engine::claim::Claim;
use crate::engine::engine::Engine;
use crate::engine::lease::decode;
use crate::engine::pause::pause_for;
use crate::engine::task::found_task::{FoundTask, TaskStage, is_forgotten};
use crate::engine::task::index::{Added, Index};
use crate::engine::task::input::{self, Input};
use crate::engine::task::limits::TaskLimits;
use crate::engine::task::progress::{self, NO_LIFE};
use crate::engine::task::queue::{TaskQueue, TaskTurn};
use crate::engine::task::reach::{Reach, TaskRoute, TaskTrial};
use crate::error::StoreError;
use crate::key::{Namespace, StorageKey};
use crate::store::Swap;
use crate::store::record::{Origin, Record, State};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// The time for which an input lives longer than its record, so that the input is still there when a long run dies.
const RESERVE: Duration = Duration::from_hours(24);

/// The pause between two looks at the index for tasks that no process runs: tasks of processes that died, and
/// of processes that have too much work.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pause between two looks at a task that another process runs, unless the lease ends before.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The tasks of one app: those that are not finished, and those that this process runs next.
#[derive(Debug)]
pub(crate) struct Tasks {
    pub(super) index: Index,
    pub(super) queue: TaskQueue,
    reach: Reach,
}

/// The result of submitting a request as a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submission {
    /// The request is a task now.
    New,
    /// The request was a task before.
    Known,
    /// Another request with the same key is a task.
    Reused,
    /// Too many tasks are unfinished.
    Full,
}

/// The result of cancelling a task.
#[derive(Debug)]
pub(crate) enum Cancellation {
    /// It will never run.
    Done(FoundTask),
    /// It runs now, or ran before.
    TooLate,
    /// There is no such task.
    Missing,
}

impl Tasks {
    pub(crate) fn new(namespace: &Namespace, limits: TaskLimits) -> Self {
        Self {
            index: Index::new(namespace, limits),
            queue: TaskQueue::default(),
            reach: Reach::default(),
        }
    }

    /// Stores a task, unless it is stored already.
    ///
    /// # Errors
    /// When the store failed. Nothing is promised then, and a retry completes the part that is stored.
    pub(crate) async fn submit(
        &self,
        engine: &Engine,
        claim: &Claim,
        input: &Input,
    ) -> Result<Submission, StoreError> {
        let (key, life) = (&claim.key, claim.lease + claim.retention);
        if self.index.is_full(engine, input.scope).await?
            && engine.core().read(key).await?.is_none()
        {
            return Ok(Submission::Full);
        }
        let put = match put(engine, claim, life).await? {
            None => Submission::New,
            Some(record) if record.fingerprint != claim.fingerprint => {
                return Ok(Submission::Reused);
            }
            Some(record) if is_over(&record) => return Ok(Submission::Known),
            Some(_) => Submission::Known,
        };
        // This is done for a task that was there before, too: the process that stored its record may have
        // died at this point.
        let (place, life_of_input) = (input::place(key), life + claim.retention + RESERVE);
        let input_bytes = input.encode(engine.seal(), &place)?;
        let there = engine.core().create(&place, &input_bytes, life_of_input).await?;
        // An input that was dropped a moment ago can still be there, empty.
        if let Some(left) = there.filter(Bytes::is_empty) {
            engine.core().swap(&place, &left, &input_bytes, life_of_input).await?;
        }
        match self.index.add(engine, key, input.scope, life).await? {
            Added::Full => return Ok(Submission::Full),
            Added::Now => self.queue.push(*key),
            Added::Before => {}
        }
        Ok(put)
    }

    /// Whether no runner of this process reaches the handler of this request, if it became a task.
    ///
    /// In a process without a runner the answer is no: runners of other processes have their own routes.
    pub(crate) async fn is_missed(&self, route: TaskRoute, claim: &Claim, input: &Input) -> bool {
        self.reach.is_missed(route, claim.key, &waiting(claim), input).await
    }

    /// The trials that a runner has to answer from now on, until it drops the receiver.
    pub(crate) fn trials(&self) -> UnboundedReceiver<TaskTrial> {
        self.reach.register()
    }

    /// The task with this key, in any stage.
    pub(crate) async fn find(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<Option<FoundTask>, StoreError> {
        let Some(entry) = engine.core().read(key).await? else { return Ok(None) };
        FoundTask::of(key, &entry).map(Some)
    }

    /// Cancels a task that has not started. It and a run make the same exchange, and only one of them can win.
    pub(crate) async fn cancel(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<Cancellation, StoreError> {
        loop {
            let Some(entry) = engine.core().read(key).await? else {
                return Ok(Cancellation::Missing);
            };
            let found = FoundTask::of(key, &entry)?;
            if found.stage == TaskStage::Forgotten {
                return Ok(Cancellation::Missing);
            }
            if found.record.state == State::Cancelled {
                return Ok(Cancellation::Done(found));
            }
            if found.stage != TaskStage::Waiting {
                return Ok(Cancellation::TooLate);
            }
            let record = Record { state: State::Cancelled, ..found.record };
            let next = record.encode(key);
            if engine.core().swap(key, &entry.value, &next, entry.left).await? == Swap::Done {
                let operations = &engine.counters().meters.operations;
                operations.task(record.label.operation()).is("cancelled");
                self.finished(engine, key).await;
                return Ok(Cancellation::Done(FoundTask {
                    record,
                    stage: TaskStage::Over,
                    ..found
                }));
            }
        }
    }

    /// Leaves a task alone that another process runs.
    ///
    /// This process then learns from the index that the task is over. It learns later that a run gave up its lease.
    pub(crate) fn leave_alone(&self, engine: &Engine, key: &StorageKey, found: &FoundTask) {
        let until = engine.clock().steady() + found.leased_for.min(LOOK_AGAIN);
        self.queue.runs_elsewhere(*key, until);
    }

    /// Drops the values beside the record of a task, and removes the task from the index.
    ///
    /// If this fails, it is made up for later: by the process that meets the entry in the index, and by the
    /// end of the values' life in the store.
    pub(crate) async fn finished(&self, engine: &Engine, key: &StorageKey) {
        if let Err(error) = self.tidy(engine, key).await {
            tracing::debug!(%key, %error, "a finished task is not tidied up yet");
        }
    }

    pub(super) async fn tidy(&self, engine: &Engine, key: &StorageKey) -> Result<(), StoreError> {
        for place in [input::place(key), progress::place(key)] {
            if let Some(entry) = engine.core().read(&place).await? {
                engine.core().swap(&place, &entry.value, &Bytes::new(), NO_LIFE).await?;
            }
        }
        self.index.remove(engine, key).await
    }

    /// Queues a task again after a person said that its effect did not happen. Leaves other records alone.
    pub(crate) async fn put_back(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<(), StoreError> {
        let Some(entry) = engine.core().read(key).await? else { return Ok(()) };
        let scope = Input::scope(engine, &input::place(key)).await?;
        let is_waiting = FoundTask::of(key, &entry)?.stage == TaskStage::Waiting;
        if let (Some(scope), true) = (scope, is_waiting) {
            self.index.add(engine, key, scope, entry.left).await?;
            self.queue.push(*key);
        }
        Ok(())
    }

    /// Removes a task from the index that will never run.
    pub(crate) async fn drop_entry(
        &self,
        engine: &Engine,
        key: &StorageKey,
    ) -> Result<(), StoreError> {
        self.index.remove(engine, key).await
    }

    /// Again and again, puts all tasks that are not finished into the queue of this process.
    pub(crate) async fn look_for_work(&self, engine: &Engine) {
        let mut failed = false;
        let _runner = self.queue.open();
        loop {
            let found = self.index.all(engine).await;
            if let (Err(error), false) = (&found, failed) {
                tracing::warn!(%error, "unfinished tasks could not be listed; they wait until the store answers again");
            }
            failed = found.is_err();
            if let Ok(found) = found {
                let unfinished = u32::try_from(found.len()).unwrap_or(u32::MAX);
                engine.counters().meters.unfinished_tasks.set(unfinished);
                self.queue.found(found, engine.clock().steady());
            }
            pause_for(jittered(LOOK_EVERY)).await;
        }
    }

    /// The next task that this process may try to run.
    pub(crate) async fn next(&self) -> TaskTurn {
        self.queue.next().await
    }
}

/// Puts the record of a task. If the key has a record already, returns that one.
///
/// A task that a person forgot is stored anew. Its attempts go on, so that an earlier run finds its key lost.
async fn put(engine: &Engine, claim: &Claim, life: Duration) -> Result<Option<Record>, StoreError> {
    let (key, first) = (&claim.key, waiting(claim));
    loop {
        let Some(there) = engine.core().create(key, &first.encode(key), life).await? else {
            return Ok(None);
        };
        let record = decode(key, &there, "create")?;
        if !is_forgotten(&record) {
            return Ok(Some(record));
        }
        let origin = Origin { taken_over: record.origin.taken_over, ..first.origin };
        let attempt = record.attempt.saturating_add(1);
        let next = Record { attempt, origin, ..first.clone() }.encode(key);
        if engine.core().swap(key, &there, &next, life).await? == Swap::Done {
            return Ok(None);
        }
    }
}

/// The record of a task that nobody runs yet.
fn waiting(claim: &Claim) -> Record {
    let Claim { label, fingerprint, .. } = claim;
    let (label, state) = (label.clone(), State::Issued);
    let origin = Origin::default();
    Record { attempt: 0, origin, fingerprint: *fingerprint, label, state }
}

fn is_over(record: &Record) -> bool {
    matches!(record.state, State::Completed(_) | State::Cancelled)
}
