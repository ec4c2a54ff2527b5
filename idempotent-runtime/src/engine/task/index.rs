//! The index of unfinished tasks: a few records, each a list of tasks, changed by compare-and-set.
//!
//! A store lists its records only for people, not for runners. The place of a task follows from its key, so
//! adding it twice, or removing it twice, changes nothing. Each list is bounded, so that it stays small
//! enough to be exchanged as a whole.

use crate::clock::jittered;
use crate::engine::deadline::within;
use crate::engine::engine::Engine;
use crate::engine::pause::pause_for;
use crate::engine::task::limits::{Adding, TaskCount, TaskLimits, TaskScope};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::{Address, Guard, KeyParts, Namespace, StorageKey};
use crate::store::Swap;
use crate::store::bytes::{CHECKSUM_LENGTH, Undecodable, append_checksum, verify_checksum};
use crate::store::record::LIST;
use bytes::Bytes;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The number of lists. It is part of the format: processes with different numbers would look for a task in
/// different places.
const LISTS: usize = 8;

/// The number of tries to change a list against others, and the pause between two of them. It doubles up to
/// eight times its length.
const RACES: u32 = 32;
const PAUSE: Duration = Duration::from_millis(5);

const KIND: u8 = LIST;
const VERSION: u8 = 2;

/// The number of bytes of a task and its scope.
const ENTRY: usize = 32 + 8;

/// The lists of one namespace.
#[derive(Debug)]
pub(super) struct Index {
    lists: [List; LISTS],
    limits: TaskLimits,
    adding: Adding,
}

#[derive(Debug)]
struct List {
    place: StorageKey,
    /// Its last known bytes. Changes of this process wait for their turn here, so they race only with other processes.
    seen: tokio::sync::Mutex<Option<Bytes>>,
    /// The scopes of its tasks when it was last seen, for callers that only look.
    known: Mutex<Vec<TaskScope>>,
}

/// The contents of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unfinished {
    /// The life of the list: the longest life of any task that was ever added.
    life: Duration,
    tasks: Vec<(StorageKey, TaskScope)>,
}

/// Whether a task was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It was, by this call.
    Now,
    /// It was there before.
    Before,
    /// There is no room for it.
    Full,
}

impl Index {
    pub(super) fn new(namespace: &Namespace, limits: TaskLimits) -> Self {
        let lists = std::array::from_fn(|number| {
            let key = KeyParts::new().value(&number.to_string());
            let place = StorageKey::of(&Address {
                namespace,
                guard: Guard::Task,
                scope: &KeyParts::new(),
                route: None,
                operation: Some("index"),
                key: &key,
            });
            List { place, seen: tokio::sync::Mutex::default(), known: Mutex::default() }
        });
        Self { lists, limits, adding: Adding::default() }
    }

    fn list(&self, task: &StorageKey) -> &List {
        &self.lists[usize::from(task.as_bytes()[0]) % LISTS]
    }

    /// Adds a task whose record lives this long at most, unless it is renewed.
    pub(super) async fn add(
        &self,
        engine: &Engine,
        task: &StorageKey,
        scope: TaskScope,
        life: Duration,
    ) -> Result<Added, StoreError> {
        let (mut added, mine) = (Added::Now, self.list(task));
        let turn = self.adding.begin(scope);
        let add = |list: &mut Unfinished| {
            let elsewhere = self.lists.iter().filter(|list| !std::ptr::eq(*list, mine));
            let here = TaskCount::of(scope, list.tasks.iter().map(|(_, scope)| *scope));
            let count =
                elsewhere.fold(turn.before(scope) + here, |sum, list| sum + list.known(scope));
            added = if list.tasks.iter().any(|(there, _)| there == task) {
                Added::Before
            } else if self.limits.are_reached(scope, count) {
                Added::Full
            } else {
                Added::Now
            };
            if added == Added::Now {
                list.tasks.push((*task, scope));
                list.life = list.life.max(life);
            }
        };
        mine.change(engine, add).await?;
        Ok(added)
    }

    pub(super) async fn remove(
        &self,
        engine: &Engine,
        task: &StorageKey,
    ) -> Result<(), StoreError> {
        self.list(task).change(engine, |list| list.tasks.retain(|(there, _)| there != task)).await
    }

    /// Whether there is no room for a task of this scope.
    pub(super) async fn is_full(
        &self,
        engine: &Engine,
        scope: TaskScope,
    ) -> Result<bool, StoreError> {
        if !self.seems_full(scope) {
            return Ok(false);
        }
        // Others may have removed tasks.
        for list in &self.lists {
            list.look(engine).await?;
            if !self.seems_full(scope) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn seems_full(&self, scope: TaskScope) -> bool {
        let known = self.lists.iter().map(|list| list.known(scope));
        self.limits.are_reached(scope, known.fold(TaskCount::default(), |sum, list| sum + list))
    }

    /// Every task that is not finished, and some that were a moment ago.
    pub(super) async fn all(&self, engine: &Engine) -> Result<Vec<StorageKey>, StoreError> {
        let mut all = Vec::new();
        for list in &self.lists {
            let Some(entry) = engine.core().read(&list.place).await? else { continue };
            let unfinished = list.decode(Some(&entry.value))?;
            list.saw(&unfinished);
            if !unfinished.tasks.is_empty() && entry.left < unfinished.life / 2 {
                let same = entry.value.clone();
                engine.core().swap(&list.place, &entry.value, &same, unfinished.life).await?;
            }
            all.extend(unfinished.tasks.into_iter().map(|(task, _)| task));
        }
        Ok(all)
    }
}

impl List {
    /// Reads the bytes that the store has.
    async fn look(&self, engine: &Engine) -> Result<Option<Bytes>, StoreError> {
        let there = engine.core().read(&self.place).await?.map(|entry| entry.value);
        self.saw(&self.decode(there.as_ref())?);
        Ok(there)
    }

    fn saw(&self, there: &Unfinished) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clear();
        known.extend(there.tasks.iter().map(|(_, scope)| *scope));
    }

    /// The number of tasks in the list when it was last seen, of all scopes and of this one.
    fn known(&self, scope: TaskScope) -> TaskCount {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        TaskCount::of(scope, known.iter().copied())
    }

    /// Changes the list, or finds by a new read that there is nothing to change.
    ///
    /// A caller whose turn does not come within the engine's patience gives up: while the store does not
    /// answer, each turn before it takes just as long.
    async fn change(
        &self,
        engine: &Engine,
        mut change: impl FnMut(&mut Unfinished),
    ) -> Result<(), StoreError> {
        let turn = async { Ok(self.seen.lock().await) };
        let mut seen = within(engine.core().tools.patience, "swap", pin!(turn)).await?;
        let mut fresh = false;
        for race in 0..RACES {
            let before = self.decode(seen.as_ref())?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                if fresh {
                    return Ok(());
                }
                *seen = self.look(engine).await?;
                fresh = true;
                continue;
            }
            let next = after.encode(&self.place);
            // Until the answer comes, nobody knows which bytes the store has.
            let expected = seen.take();
            match self.exchange(engine, expected, next.clone(), after.life).await? {
                None => {
                    *seen = Some(next);
                    self.saw(&after);
                    return Ok(());
                }
                Some(there) => {
                    self.saw(&self.decode(there.as_ref())?);
                    (*seen, fresh) = (there, true);
                }
            }
            if race > 0 {
                pause_for(jittered(PAUSE * 2_u32.pow(race.min(3)))).await;
            }
        }
        Err(StoreError::new(StoreErrorKind::Busy, "swap"))
    }

    /// Exchanges the bytes. `None` means that it is done; else the result is what the store has.
    async fn exchange(
        &self,
        engine: &Engine,
        expected: Option<Bytes>,
        next: Bytes,
        life: Duration,
    ) -> Result<Option<Option<Bytes>>, StoreError> {
        let Some(expected) = expected else {
            return Ok(engine.core().create(&self.place, &next, life).await?.map(Some));
        };
        match engine.core().swap(&self.place, &expected, &next, life).await? {
            Swap::Done => Ok(None),
            Swap::Differs(there) => Ok(Some(there)),
        }
    }

    fn decode(&self, bytes: Option<&Bytes>) -> Result<Unfinished, StoreError> {
        let Some(bytes) = bytes else { return Ok(Unfinished::default()) };
        Unfinished::decode(&self.place, bytes).map_err(|error| StoreError::corrupt("read", error))
    }
}

impl Unfinished {
    fn encode(&self, place: &StorageKey) -> Bytes {
        let mut out = Vec::with_capacity(2 + 8 + ENTRY * self.tasks.len() + CHECKSUM_LENGTH);
        out.extend_from_slice(&[KIND, VERSION]);
        out.extend_from_slice(&crate::clock::millis(self.life).to_le_bytes());
        for (task, scope) in &self.tasks {
            out.extend_from_slice(task.as_bytes());
            out.extend_from_slice(scope.as_bytes());
        }
        append_checksum(place, out)
    }

    fn decode(place: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut fields = verify_checksum(place, bytes)?;
        if [fields.u8()?, fields.u8()?] != [KIND, VERSION] {
            return Err(Undecodable);
        }
        let life = Duration::from_millis(fields.u64()?);
        let mut tasks = Vec::with_capacity(fields.left().len() / ENTRY);
        while !fields.left().is_empty() {
            let task = StorageKey::from_bytes(fields.array()?);
            tasks.push((task, TaskScope::from_bytes(fields.array()?)));
        }
        Ok(Self { life, tasks })
    }
}
