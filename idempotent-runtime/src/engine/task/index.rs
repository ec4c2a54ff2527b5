//! The index of unfinished tasks: a few records that each list some, changed by compare-and-set.
//!
//! A store has no operation that lists, on purpose. A task's place is decided by its key, so adding
//! it twice, or taking it off twice, changes nothing; and each list is bounded, so that it stays
//! small enough to be exchanged whole.

use crate::engine::deadline::within;
use crate::engine::engine::Engine;
use crate::engine::pause::{jittered, pause_for};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::{Address, Guard, KeyParts, Namespace, StorageKey};
use crate::store::Swap;
use crate::store::bytes::{CHECKSUM_LENGTH, Undecodable, append_checksum, verify_checksum};
use bytes::Bytes;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// How many lists there are, and how many tasks one holds. Part of the format: processes that
/// disagree would look for a task in different places.
const LISTS: usize = 8;
const LONGEST: usize = 512;

/// How often a change is tried against others, and the pause after each, which doubles up to eight
/// times.
const RACES: u32 = 32;
const PAUSE: Duration = Duration::from_millis(5);

const KIND: u8 = b'q';
const VERSION: u8 = 1;

/// The lists of one namespace.
#[derive(Debug)]
pub(super) struct Index([List; LISTS]);

#[derive(Debug)]
struct List {
    place: StorageKey,
    /// Its last known bytes. Changes of one process take turns, and meet only those of others.
    seen: Mutex<Option<Bytes>>,
    /// Its length in bytes when it was last seen, for callers that do not change it.
    length: AtomicUsize,
}

/// The contents of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unfinished {
    /// How long the list must live: as long as the longest-lived task that was ever added.
    life: Duration,
    tasks: Vec<StorageKey>,
}

/// Whether a task was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// By this call.
    Now,
    /// It was there.
    Before,
    /// There is no room.
    Full,
}

impl Index {
    pub(super) fn new(namespace: &Namespace) -> Self {
        Self(std::array::from_fn(|number| {
            let key = KeyParts::new().value(&number.to_string());
            let place = StorageKey::of(&Address {
                namespace,
                guard: Guard::Task,
                scope: &KeyParts::new(),
                route: None,
                operation: Some("index"),
                key: &key,
            });
            List { place, seen: Mutex::default(), length: AtomicUsize::default() }
        }))
    }

    fn list(&self, task: &StorageKey) -> &List {
        &self.0[usize::from(task.as_bytes()[0]) % LISTS]
    }

    /// Adds a task that lives at most this long at a time.
    pub(super) async fn add(
        &self,
        engine: &Engine,
        task: &StorageKey,
        life: Duration,
    ) -> Result<Added, StoreError> {
        let mut added = Added::Now;
        let add = |list: &mut Unfinished| {
            added = match list.tasks.contains(task) {
                true => Added::Before,
                false if list.tasks.len() >= LONGEST => Added::Full,
                false => Added::Now,
            };
            if added == Added::Now {
                list.tasks.push(*task);
                list.life = list.life.max(life);
            }
        };
        self.list(task).change(engine, add).await?;
        Ok(added)
    }

    pub(super) async fn remove(
        &self,
        engine: &Engine,
        task: &StorageKey,
    ) -> Result<(), StoreError> {
        self.list(task).change(engine, |list| list.tasks.retain(|there| there != task)).await
    }

    /// Whether there is no room for a task.
    pub(super) async fn is_full(
        &self,
        engine: &Engine,
        task: &StorageKey,
    ) -> Result<bool, StoreError> {
        let list = self.list(task);
        if list.length.load(Ordering::Relaxed) < size(LONGEST) {
            return Ok(false);
        }
        let there = list.look(engine).await?;
        Ok(there.is_some_and(|there| there.len() >= size(LONGEST)))
    }

    /// Every task that is not finished, and some that were a moment ago.
    pub(super) async fn all(&self, engine: &Engine) -> Result<Vec<StorageKey>, StoreError> {
        let mut all = Vec::new();
        for list in &self.0 {
            let Some(entry) = engine.core().read(&list.place).await? else { continue };
            let unfinished = list.decode(Some(&entry.value))?;
            if !unfinished.tasks.is_empty() && entry.left < unfinished.life / 2 {
                let same = entry.value.clone();
                engine.core().swap(&list.place, &entry.value, &same, unfinished.life).await?;
            }
            all.extend(unfinished.tasks);
        }
        Ok(all)
    }
}

impl List {
    /// The bytes that are there.
    async fn look(&self, engine: &Engine) -> Result<Option<Bytes>, StoreError> {
        let there = engine.core().read(&self.place).await?.map(|entry| entry.value);
        Ok(self.saw(there))
    }

    fn saw(&self, there: Option<Bytes>) -> Option<Bytes> {
        self.length.store(there.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        there
    }

    /// Changes the list, or finds by a fresh look that there is nothing to change.
    ///
    /// A turn that does not come within the store's patience is given up: while the store does not answer,
    /// each one before it takes as long.
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
            // Until the answer is there, nobody knows what is.
            let expected = seen.take();
            match self.exchange(engine, expected, next.clone(), after.life).await? {
                None => {
                    *seen = self.saw(Some(next));
                    return Ok(());
                }
                Some(there) => (*seen, fresh) = (self.saw(there), true),
            }
            if race > 0 {
                pause_for(jittered(PAUSE * 2_u32.pow(race.min(3)))).await;
            }
        }
        Err(StoreError::new(StoreErrorKind::Busy, "swap"))
    }

    /// Nothing if it is done, else what is there.
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

/// How many bytes a list of this many tasks has.
const fn size(tasks: usize) -> usize {
    2 + 8 + 32 * tasks + CHECKSUM_LENGTH
}

impl Unfinished {
    fn encode(&self, place: &StorageKey) -> Bytes {
        let mut out = Vec::with_capacity(size(self.tasks.len()));
        out.extend_from_slice(&[KIND, VERSION]);
        out.extend_from_slice(&crate::clock::millis(self.life).to_le_bytes());
        for task in &self.tasks {
            out.extend_from_slice(task.as_bytes());
        }
        append_checksum(place, out)
    }

    fn decode(place: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut cursor = verify_checksum(place, bytes)?;
        if [cursor.u8()?, cursor.u8()?] != [KIND, VERSION] {
            return Err(Undecodable);
        }
        let life = Duration::from_millis(cursor.u64()?);
        let mut tasks = Vec::with_capacity(cursor.left().len() / 32);
        while !cursor.left().is_empty() {
            tasks.push(StorageKey::from_bytes(cursor.array()?));
        }
        Ok(Self { life, tasks })
    }
}
