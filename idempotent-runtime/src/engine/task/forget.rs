//! Forgetting a task, and the values beside its record.

use crate::engine::engine::Engine;
use crate::engine::inspect::{self, Force, Forgotten, RecordView};
use crate::engine::lease::decode;
use crate::engine::task::found_task::{FoundTask, TaskStage, is_forgotten};
use crate::engine::task::tasks::Tasks;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::{Guard, StorageKey};
use crate::policy::DefinitionId;
use crate::store::Swap;
use crate::store::record::{Origin, Record, State};

/// The number of looks at a record that others change, before it is called busy.
const RACES: usize = 32;

impl Tasks {
    /// Forgets a record, if it is still the one that was seen. Of a task it also forgets the input, the
    /// progress and the place in the index.
    ///
    /// First the task is cancelled, so that nobody runs it any more. Then its parts are dropped. Only then
    /// may a request become this task again. A process that dies in between leaves a cancelled task.
    ///
    /// # Errors
    /// When the store did not answer. Calling it again goes on from there.
    pub(crate) async fn forget(
        &self,
        engine: &Engine,
        seen: &RecordView,
        force: Force,
    ) -> Result<Forgotten, StoreError> {
        let forgotten = inspect::forget(engine, seen, force).await?;
        let is_task = seen.guard() == Some(Guard::Task);
        if forgotten == Forgotten::Yes && is_task && is_called_off(engine, seen.key()).await? {
            self.tidy(engine, seen.key()).await?;
            release(engine, seen.key()).await?;
        }
        Ok(forgotten)
    }
}

/// Whether a task is cancelled, and a request may not become it again yet.
async fn is_called_off(engine: &Engine, key: &StorageKey) -> Result<bool, StoreError> {
    let Some(entry) = engine.core().read(key).await? else { return Ok(false) };
    let task = FoundTask::of(key, &entry)?;
    Ok(task.record.state == State::Cancelled && task.stage != TaskStage::Forgotten)
}

/// Lets a request become the cancelled task again.
async fn release(engine: &Engine, key: &StorageKey) -> Result<(), StoreError> {
    for _ in 0..RACES {
        let Some(entry) = engine.core().read(key).await? else { return Ok(()) };
        let record = decode(key, &entry.value, "read")?;
        if record.state != State::Cancelled || is_forgotten(&record) {
            return Ok(());
        }
        let origin = Origin { definition: DefinitionId::FORGOTTEN, ..record.origin };
        let next = Record { origin, ..record }.encode(key);
        if engine.core().swap(key, &entry.value, &next, entry.left).await? == Swap::Done {
            return Ok(());
        }
    }
    Err(StoreError::new(StoreErrorKind::Busy, "swap"))
}
