//! The progress of a run, as its handler reports it.

use crate::engine::engine::Engine;
use crate::engine::task::found_task::{FoundTask, TaskStage};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::Swap;
use crate::store::bytes::{Undecodable, append_checksum, verify_checksum};
use crate::store::record::PROGRESS;
use bytes::Bytes;
use std::time::Duration;

/// The first byte: no record begins with it.
const KIND: u8 = PROGRESS;
const VERSION: u8 = 1;

/// The remains of a task whose run is over live this much longer: not at all, but no store knows a
/// shorter life.
pub(super) const NO_LIFE: Duration = Duration::from_millis(1);

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProgressRecord {
    /// Which run it is: what an earlier one said no longer counts.
    pub(crate) attempt: u64,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// The place of a task's progress.
pub(crate) fn place(task: &StorageKey) -> StorageKey {
    task.beside("progress")
}

impl ProgressRecord {
    fn encode(self, place: &StorageKey) -> Bytes {
        let mut out = vec![KIND, VERSION];
        for number in [self.attempt, self.done, self.total] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        append_checksum(place, out)
    }

    fn decode(place: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut fields = verify_checksum(place, bytes)?;
        if [fields.u8()?, fields.u8()?] != [KIND, VERSION] {
            return Err(Undecodable);
        }
        let (attempt, done, total) = (fields.u64()?, fields.u64()?, fields.u64()?);
        fields.finish()?;
        Ok(Self { attempt, done, total })
    }

    /// Puts down how far a run of this task is, unless a later run did or the task is over.
    pub(crate) async fn write(
        self,
        engine: &Engine,
        task: &StorageKey,
        life: Duration,
    ) -> Result<(), StoreError> {
        let place = &place(task);
        let next = self.encode(place);
        let mut there = engine.core().create(place, &next, life).await?;
        while let Some(seen) = there {
            // What is no progress is left by a run that was tidied up, and may be written over.
            let later = Self::decode(place, &seen).is_ok_and(|seen| seen.attempt > self.attempt);
            if later {
                return Ok(());
            }
            there = match engine.core().swap(place, &seen, &next, life).await? {
                Swap::Done => None,
                Swap::Differs(Some(now)) => Some(now),
                Swap::Differs(None) => engine.core().create(place, &next, life).await?,
            };
        }
        // Whoever ended the task before this was there has tidied up already.
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

    /// The progress of the run of this attempt, if it reported any.
    pub(crate) async fn read(
        engine: &Engine,
        place: &StorageKey,
        attempt: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(entry) = engine.core().read(place).await? else { return Ok(None) };
        let progress = Self::decode(place, &entry.value)
            .map_err(|error| StoreError::corrupt("read", error))?;
        Ok((progress.attempt == attempt).then_some(progress))
    }
}
