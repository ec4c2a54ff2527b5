//! Keeps records in this process's memory: for tests, examples and services with one process.

mod shard;

use crate::clock::{Clock, SystemClock, millis};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::{Cursor, PageRequest};
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::memory::shard::{Shard, Slot};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use bytes::Bytes;
use indexmap::map::Entry::{Occupied, Vacant};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::yield_now;

/// The number of shards. It is so great that callers rarely wait for a lock, and that a table grows in steps
/// too small to be noticed: of a million values a shard holds 16 000.
const SHARDS: usize = 64;

/// The most slots that a page visits, and so the longest time for which it locks a shard.
const PAGE_VISITS: usize = 1024;

/// The most slots that a purge visits before other tasks get their turn.
const PURGE_VISITS: usize = 1024;

/// Keeps records in memory. They are gone when the process ends.
///
/// It guards only this one process against duplicates. Values whose life is not over are never dropped, so it
/// needs memory for as many keys as come within their ttl. Clones share their records.
#[derive(Clone)]
pub struct MemoryStore {
    shards: Arc<[Mutex<Shard>]>,
    /// The shard where the last purge stopped, and where the next one goes on.
    purged: Arc<AtomicUsize>,
    /// Set when the first engine adopts the store, or at the first use without one.
    clock: Arc<OnceLock<Arc<dyn Clock>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock::new()))
    }

    /// An empty store that counts lives by the steady time of this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            purged: Arc::default(),
            clock: Arc::new(clock.into()),
        }
    }

    /// An empty store that counts lives by the clock of its first engine.
    pub(super) fn by_the_engines_clock() -> Self {
        Self { clock: Arc::default(), ..Self::new() }
    }

    fn now(&self) -> u64 {
        millis(self.clock.get_or_init(|| Arc::new(SystemClock::new())).steady())
    }

    /// The number of values in memory. The life of some may be over; they are dropped later.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).slots.len()).sum()
    }

    /// The values of the next slots. Pages begin at the last slot of the first shard.
    fn page(&self, request: &PageRequest) -> Result<Page, StoreError> {
        let mut place = match &request.after {
            Some(cursor) => SlotPlace::read(cursor).ok_or_else(|| cursor.is_foreign())?,
            None => SlotPlace { shard: 0, unseen: usize::MAX },
        };
        let (now, limit) = (self.now(), request.limit.max(1) as usize);
        let (mut page, mut visits) = (Page::default(), PAGE_VISITS);
        while let Some(shard) = self.shards.get(place.shard) {
            if visits == 0 || page.entries.len() >= limit {
                page.next = Some(place.write());
                break;
            }
            let shard = lock(shard);
            place.unseen = place.unseen.min(shard.slots.len());
            while place.unseen > 0 && visits > 0 && page.entries.len() < limit {
                place.unseen -= 1;
                visits -= 1;
                page.entries.extend(shard.wanted(place.unseen, request, now));
            }
            if place.unseen == 0 {
                place = SlotPlace { shard: place.shard + 1, unseen: usize::MAX };
            }
        }
        Ok(page)
    }

    /// Runs a step on the key's shard, under its lock, at one moment.
    fn step<T>(
        &self,
        key: &StorageKey,
        step: impl FnOnce(&mut Shard, u64) -> T,
    ) -> StoreFuture<'static, T> {
        // The key is a hash, so its first byte spreads evenly.
        let shard = &self.shards[usize::from(key.as_bytes()[0]) % SHARDS];
        StoreFuture::ready(Ok(step(&mut lock(shard), self.now())))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step(key, |shard, now| {
            let slot = || Slot::new(value, now, life);
            match shard.slots.entry(*key) {
                Occupied(there) if there.get().ends > now => {
                    return Some(there.get().value.clone());
                }
                Occupied(mut over) => drop(over.insert(slot())),
                Vacant(free) => drop(free.insert(slot())),
            }
            shard.sweep(now);
            None
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.step(key, |shard, now| match shard.living(key, now) {
            Some(there) if there.value == *expected => {
                *there = Slot::new(value, now, life);
                Swap::Done
            }
            other => Swap::Differs(other.map(|there| there.value.clone())),
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.step(key, |shard, now| {
            let there = shard.living(key, now)?;
            Some(Entry::new(there.value.clone(), Duration::from_millis(there.ends - now)))
        })
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        StoreFuture::new(async move {
            let (now, mut dropped) = (self.now(), 0);
            let first = self.purged.load(Ordering::Relaxed);
            for place in (first..first + SHARDS).map(|place| place % SHARDS) {
                let mut left = lock(&self.shards[place]).slots.len();
                while left > 0 {
                    if dropped >= limit {
                        self.purged.store(place, Ordering::Relaxed);
                        return Ok(dropped);
                    }
                    let visits = left.min(PURGE_VISITS);
                    dropped += lock(&self.shards[place]).drop_over(visits, limit - dropped, now);
                    left -= visits;
                    yield_now().await;
                }
            }
            Ok(dropped)
        })
    }

    fn describe(&self) -> String {
        "memory (this process only; gone when it ends)".to_owned()
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        Some(StoreFuture::ready(self.page(request)))
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn adopt(&self, settings: &StoreSettings) {
        // If it has a clock already, it keeps that.
        let _ = self.clock.set(Arc::clone(&settings.clock));
    }

    fn is_near(&self) -> bool {
        true
    }
}

/// The place that the pages have reached. All shards before this one were read.
///
/// A shard is read from its last slot to its first. A slot that becomes free gets the value of the last slot.
/// So a value that moves was read already, or will be read at its new place.
struct SlotPlace {
    shard: usize,
    /// The number of slots at the front of the shard that are not read yet.
    unseen: usize,
}

impl SlotPlace {
    fn write(&self) -> Cursor {
        Cursor::new(format!("memory.{}.{}", self.shard, self.unseen))
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let (shard, unseen) = cursor.as_str().strip_prefix("memory.")?.split_once('.')?;
        let place = Self { shard: shard.parse().ok()?, unseen: unseen.parse().ok()? };
        (place.shard < SHARDS).then_some(place)
    }
}

/// Ignores poison: no step calls foreign code, so a panic never leaves a shard half changed.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::store::browse::PageFilter;
    use futures_util::poll;
    use std::collections::HashSet;
    use std::pin::pin;

    fn key(n: u32) -> StorageKey {
        StorageKey::from_bytes(crate::key::hashed(&n.to_le_bytes(), []))
    }

    #[tokio::test]
    async fn a_flood_of_short_lived_keys_stays_bounded_and_never_drops_a_living_one() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        store.create(&key(0), &"kept".into(), Duration::from_hours(1)).await.unwrap();
        for n in 1..200_000 {
            store.create(&key(n), &"short".into(), Duration::from_secs(1)).await.unwrap();
            if n % 1000 == 0 {
                clock.advance(Duration::from_secs(1));
            }
        }
        // 1 000 are alive at any time. Without sweeping, 200 000 would be held.
        assert!(store.held() < 10_000, "{}", store.held());
        assert!(store.read(&key(0)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn purging_drops_what_is_over_and_no_more_than_asked() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        for n in 0..100 {
            let life = if n < 60 { 1 } else { 100 };
            store.create(&key(n), &"v".into(), Duration::from_secs(life)).await.unwrap();
        }
        clock.advance(Duration::from_secs(2));
        assert_eq!(store.purge(50).await.unwrap(), 50);
        assert_eq!(store.purge(50).await.unwrap(), 10);
        assert_eq!(store.held(), 40);
    }

    /// The thread that polls the purge runs other tasks in between.
    #[tokio::test]
    async fn a_purge_visits_few_slots_at_a_time_however_many_there_are() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        for n in 0..200_000 {
            store.create(&key(n), &"v".into(), Duration::from_secs(1)).await.unwrap();
        }
        clock.advance(Duration::from_secs(2));
        let mut purge = pin!(store.purge(u32::MAX));
        let (mut held, mut goes_on) = (200_000, true);
        while goes_on {
            goes_on = poll!(&mut purge).is_pending();
            assert!(held - store.held() <= PURGE_VISITS, "{held}, and then {}", store.held());
            held = store.held();
        }
        assert_eq!(held, 0);
    }

    #[tokio::test]
    async fn a_purge_goes_on_where_the_last_one_stopped() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        for n in 0..200_000 {
            let life = if n % 2 == 0 { 1 } else { 100 };
            store.create(&key(n), &"v".into(), Duration::from_secs(life)).await.unwrap();
        }
        clock.advance(Duration::from_secs(2));
        let mut polls = 0;
        for _ in 0..100 {
            let mut purge = pin!(store.purge(1000));
            while poll!(&mut purge).is_pending() {
                polls += 1;
            }
        }
        assert_eq!(store.held(), 100_000);
        // Each purge also visits values that are alive, and some slots twice.
        assert!(polls * PURGE_VISITS < 4 * 200_000, "{polls}");
    }

    /// The keys of all pages from this one on, and the size of each page.
    async fn pages(store: &MemoryStore, mut request: PageRequest) -> (Vec<StorageKey>, Vec<usize>) {
        let (mut keys, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = store.browse(&request).expect("it can list").await.unwrap();
            sizes.push(page.entries.len());
            keys.extend(page.entries.into_iter().map(|(key, _)| key));
            let Some(next) = page.next else { return (keys, sizes) };
            request = request.after(next);
        }
    }

    /// A page meets a value in the slot to which a sweep moved it.
    #[tokio::test]
    async fn a_sweep_between_pages_hides_nothing_from_a_look() {
        for seen in [1, 500, 3000, 6000] {
            let clock = Arc::new(ManualClock::new());
            let store = MemoryStore::with_clock(clock.clone());
            for n in 0..10_000 {
                let life = if n % 5 < 2 { 100 } else { 1 };
                store.create(&key(n), &"v".into(), Duration::from_secs(life)).await.unwrap();
            }
            let request = PageRequest::first(seen);
            let mut first = Page::default();
            while first.entries.len() < seen as usize {
                let request = PageRequest::first(seen).after(first.next.take());
                let next = store.browse(&request).unwrap().await.unwrap();
                first.entries.extend(next.entries);
                first.next = next.next;
            }
            clock.advance(Duration::from_secs(2));
            store.purge(3000).await.unwrap();
            let (rest, _) = pages(&store, request.after(first.next)).await;
            let keys: HashSet<_> =
                first.entries.into_iter().map(|(key, _)| key).chain(rest).collect();
            let missed = (0..10_000).filter(|n| n % 5 < 2 && !keys.contains(&key(*n)));
            assert_eq!(missed.count(), 0, "after {seen}");
        }
    }

    #[tokio::test]
    async fn a_page_is_little_work_however_many_values_there_are() {
        let store = MemoryStore::new();
        for n in 0..100_000 {
            store.create(&key(n), &"v".into(), Duration::from_hours(1)).await.unwrap();
        }
        let (keys, sizes) = pages(&store, PageRequest::first(u32::MAX)).await;
        assert_eq!(keys.len(), 100_000);
        assert!(sizes.iter().all(|size| *size <= PAGE_VISITS), "{sizes:?}");
        let (keys, sizes) = pages(&store, PageRequest::first(0)).await;
        assert_eq!((keys.len(), sizes.len()), (100_000, 100_000));
        // A filter that nothing passes has as many slots to visit.
        let none = PageFilter::default().operation("pay");
        let (keys, sizes) = pages(&store, PageRequest::first(10).only(none)).await;
        assert_eq!((keys.len(), sizes.len()), (0, 100_000_usize.div_ceil(PAGE_VISITS)));
    }

    #[tokio::test]
    async fn a_cursor_of_a_shard_that_does_not_exist_is_refused() {
        let store = MemoryStore::new();
        for text in ["memory.64.0", "memory.0", "memory.0.-1", "memory.0.1.2", "0.1"] {
            let request = PageRequest::first(1).after(Cursor::new(text));
            assert!(store.browse(&request).unwrap().await.is_err(), "{text}");
        }
        // A place that existed before other values were dropped.
        let request = PageRequest::first(1).after(Cursor::new("memory.63.99999"));
        assert_eq!(store.browse(&request).unwrap().await.unwrap(), Page::default());
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use crate::clock::ManualClock;
    use shuttle::future::block_on;
    use shuttle::thread;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
    const LIFE: Duration = Duration::from_secs(10);

    /// The life of a value has just ended, and creates, swaps and a purge come at once.
    #[test]
    fn of_creates_swaps_and_a_purge_at_once_one_put_and_one_exchange_succeed() {
        let order = || {
            let clock = Arc::new(ManualClock::new());
            let store = MemoryStore::with_clock(clock.clone());
            block_on(store.create(&KEY, &"over".into(), LIFE)).unwrap();
            clock.advance(LIFE);
            let creates = ["a", "b"].map(|value| {
                let store = store.clone();
                thread::spawn(move || {
                    block_on(async {
                        let (ours, next) = (value.into(), format!("{value}!").into());
                        let put = store.create(&KEY, &ours, LIFE).await.unwrap();
                        let exchanged = store.swap(&KEY, &ours, &next, LIFE).await.unwrap();
                        (put.is_none(), exchanged == Swap::Done)
                    })
                })
            });
            let purge = {
                let store = store.clone();
                thread::spawn(move || block_on(store.purge(10)).unwrap())
            };
            let looks = {
                let store = store.clone();
                thread::spawn(move || {
                    let seen = block_on(store.read(&KEY)).unwrap();
                    assert!(seen.is_none_or(|entry| entry.value != "over" && entry.left == LIFE));
                })
            };
            let done = creates.map(|create| create.join().unwrap());
            assert!(purge.join().unwrap() <= 1);
            looks.join().unwrap();
            let puts = done.iter().filter(|(put, _)| *put).count();
            let exchanges = done.iter().filter(|(_, exchanged)| *exchanged).count();
            assert_eq!((puts, exchanges), (1, 1), "{done:?}");
            let there = block_on(store.read(&KEY))
                .unwrap()
                .expect("a value that is alive is never dropped");
            assert!(there.value == "a!" || there.value == "b!", "{there:?}");
            assert_eq!(store.held(), 1);
        };
        shuttle::check_random(order, 10_000);
        shuttle::check_pct(order, 5_000, 4);
    }
}
