//! The progress of a run, as its handler reports it.

use crate::engine::engine::Engine;
use crate::engine::task::found_task::{FoundTask, TaskStage};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::seal::Seal;
use crate::store::Swap;
use crate::store::bytes::Undecodable;
use crate::store::record::{PROGRESS, beside};
use bytes::Bytes;
use std::time::Duration;

/// The first byte. No record begins with it.
const KIND: u8 = PROGRESS;
const VERSION: u8 = 1;

/// The life of the values beside a task whose run is over. They should not live at all, but a store has no
/// shorter life.
pub(super) const NO_LIFE: Duration = Duration::from_millis(1);

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProgressRecord {
    /// The attempt of the run. The progress of an earlier run does not count any more.
    pub(crate) attempt: u64,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// The key under which a task's progress is stored.
pub(crate) fn place(task: &StorageKey) -> StorageKey {
    task.beside("progress")
}

impl ProgressRecord {
    fn encode(self, seal: &Seal, place: &StorageKey) -> Result<Bytes, StoreError> {
        let Self { attempt, done, total } = self;
        let numbers = [attempt, done, total].map(u64::to_le_bytes);
        beside::write(seal, place, [KIND, VERSION], &[], numbers.as_flattened())
    }

    fn decode(seal: &Seal, place: &StorageKey, bytes: &Bytes) -> Result<Self, StoreError> {
        let ([], mut fields) = beside::read(seal, place, [KIND, VERSION], bytes)?;
        let mut read =
            || Ok(Self { attempt: fields.u64()?, done: fields.u64()?, total: fields.u64()? });
        let read = read().and_then(|read| fields.finish().map(|()| read));
        read.map_err(|error: Undecodable| StoreError::corrupt("read", error))
    }

    /// Stores the progress of a run, unless a later run has stored its own or the task is over.
    pub(crate) async fn write(
        self,
        engine: &Engine,
        task: &StorageKey,
        life: Duration,
    ) -> Result<(), StoreError> {
        let place = &place(task);
        let seal = engine.seal();
        let next = self.encode(seal, place)?;
        let mut there = engine.core().create(place, &next, life).await?;
        while let Some(seen) = there {
            // Tidying up after an earlier run leaves bytes that are not progress. They may be overwritten.
            let there_now = Self::decode(seal, place, &seen);
            let later = there_now.is_ok_and(|seen| seen.attempt > self.attempt);
            if later {
                return Ok(());
            }
            there = match engine.core().swap(place, &seen, &next, life).await? {
                Swap::Done => None,
                Swap::Differs(Some(now)) => Some(now),
                Swap::Differs(None) => engine.core().create(place, &next, life).await?,
            };
        }
        // The task may have ended before this was stored. Then its end has removed older progress already,
        // and nobody else removes this.
        let is_over = match engine.core().read(task).await? {
            Some(entry) => {
                let stage = FoundTask::of(task, &entry)?.stage;
                matches!(stage, TaskStage::Over | TaskStage::Forgotten)
            }
            None => true,
        };
        if is_over {
            engine.core().swap(place, &next, &Bytes::new(), NO_LIFE).await?;
        }
        Ok(())
    }

    /// The progress of the run with this attempt, if it reported any.
    pub(crate) async fn read(
        engine: &Engine,
        place: &StorageKey,
        attempt: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(entry) = engine.core().read(place).await? else { return Ok(None) };
        let progress = Self::decode(engine.seal(), place, &entry.value)?;
        Ok((progress.attempt == attempt).then_some(progress))
    }
}
