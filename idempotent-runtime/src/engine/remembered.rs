//! Finished records that this process stored or read, so that their replays need no round trip.
//!
//! A finished record never changes before its end, unless a person forgets it. So this process uses it for
//! some seconds without asking the store, and for a minute more while the store does not answer, but never
//! beyond its end. Its age counts from before the command was sent that stored or read it, so a store's clock
//! that is late does no harm.

use crate::clock::millis;
use crate::error::StoreError;
use crate::key::StorageKey;
use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// The time for which a record is used, before one request reads it again in the store.
const FRESH: Duration = Duration::from_secs(5);

/// The additional time for which it is used while the store does not answer.
const UNANSWERED: Duration = Duration::from_mins(1);

/// The pause before asking again a store that did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The memory that a record takes beside its own bytes: its key, what is known of it, and its place.
const BESIDE: usize = 320;

/// The bytes of a record of middle length, from which the number of places follows.
const USUAL: usize = 512;

/// The number of parts of the memory, so that workers rarely wait for each other.
const PARTS: usize = 16;

/// The part of the memory for records that were asked for again. New ones have the rest.
const HOT: f64 = 0.5;

/// The number of counters of forgotten keys. The keys of one stripe share a counter.
const STRIPES: usize = 64;

/// Whether the outcome of a request may be remembered, and looked for in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembering {
    /// It may.
    Wanted,
    /// It may not: the store is asked each time.
    Unwanted,
}

/// Finished records, up to so many bytes.
pub(super) struct Remembered {
    /// `None` if nothing is remembered.
    records: Option<Cache<StorageKey, Arc<Known>, ByBytes, foldhash::fast::RandomState>>,
    /// The number of times that a key of each stripe was forgotten.
    forgotten: [AtomicU32; STRIPES],
    /// The moment to ask the store again, in milliseconds of the steady clock; zero while it answers.
    asks_again: AtomicU64,
}

/// A finished record, as far as it is known.
#[derive(Debug)]
pub(super) struct Known {
    /// The bytes of the record; `None` while its remaining life is not known.
    record: Option<Bytes>,
    asked: AskedAt,
    /// Its end, in steady time.
    ends: Duration,
    /// The turn to read it again, with the last read that failed.
    pub(super) looking: AsyncMutex<Option<FailedLook>>,
}

/// A read that the store did not answer.
#[derive(Debug)]
pub(super) struct FailedLook {
    pub(super) at: Instant,
    pub(super) error: StoreError,
}

/// A moment before a command was sent whose answer may be remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedAt {
    at: Duration,
    /// The number of times that a key of its stripe had been forgotten by then.
    forgotten: u32,
}

/// A record that is remembered.
pub(super) enum Recalled {
    /// It can be used.
    Certain(Bytes),
    /// It has to be read again in the store.
    Due(Arc<Known>),
}

/// While this lives, a key is being forgotten. When it is dropped, all that was known of the key before does
/// not count any more.
#[must_use = "it must live until the key is forgotten"]
pub(super) struct Forgetting<'a>(&'a Remembered, &'a StorageKey);

impl Remembered {
    /// Remembers records of at most this many bytes in all; none, if that is too few for one.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        let options = OptionsBuilder::new()
            .weight_capacity(bytes as u64)
            .estimated_items_capacity(bytes / USUAL)
            .hot_allocation(HOT)
            .shards(PARTS)
            .build();
        let records = options.ok().filter(|_| bytes >= BESIDE).map(|options| {
            let hasher = foldhash::fast::RandomState::default();
            Cache::with_options(options, ByBytes, hasher, DefaultLifecycle::default())
        });
        let forgotten = [const { AtomicU32::new(0) }; STRIPES];
        Self { records, forgotten, asks_again: AtomicU64::new(0) }
    }

    /// The moment before a command about this key is sent.
    pub(super) fn asking(&self, key: &StorageKey, now: Duration) -> AskedAt {
        AskedAt { at: now, forgotten: self.stripe(key).load(Ordering::SeqCst) }
    }

    /// Remembers a finished record, which lives at least until `ends`.
    pub(super) fn keep(&self, key: &StorageKey, record: &Bytes, asked: AskedAt, ends: Duration) {
        self.put(key, Some(record), asked, ends);
    }

    /// Remembers that a key has a finished record whose remaining life is not known. The next request for it
    /// reads it.
    pub(super) fn met(&self, key: &StorageKey, asked: AskedAt) {
        self.put(key, None, asked, Duration::MAX);
    }

    fn put(&self, key: &StorageKey, record: Option<&Bytes>, asked: AskedAt, ends: Duration) {
        if let Some(records) = &self.records {
            // Only here: the first clone of some bytes costs an allocation.
            let record = record.cloned();
            let looking = AsyncMutex::default();
            records.insert(*key, Arc::new(Known { record, asked, ends, looking }));
        }
    }

    /// Drops a key under which another value was found.
    pub(super) fn drop_key(&self, key: &StorageKey) {
        if let Some(records) = &self.records {
            records.remove(key);
        }
    }

    /// Begins to forget a key in the store. To be called before the command is sent.
    pub(super) fn forgetting<'a>(&'a self, key: &'a StorageKey) -> Forgetting<'a> {
        Forgetting(self, key)
    }

    /// The remembered record of a key, if it has not expired.
    pub(super) fn find(&self, key: &StorageKey, now: Duration) -> Option<Recalled> {
        let known = self.records.as_ref()?.get(key)?;
        if now >= known.ends {
            self.drop_key(key);
            return None;
        }
        let certain = |known: &Known| known.record.clone().map(Recalled::Certain);
        let certain = match self.age(key, &known, now) {
            Some(age) if age < FRESH => certain(&known),
            Some(age) if age < FRESH + UNANSWERED && self.is_away(now) => certain(&known),
            Some(_) | None => None,
        };
        Some(certain.unwrap_or(Recalled::Due(known)))
    }

    /// Whether nothing else was found under the key meanwhile.
    pub(super) fn is_still(&self, key: &StorageKey, known: &Arc<Known>) -> bool {
        let now = self.records.as_ref().and_then(|records| records.peek(key));
        now.is_some_and(|now| Arc::ptr_eq(&now, known))
    }

    /// A record whose read failed, if it can still be used. From now on others do not read it for a while.
    pub(super) fn unanswered(
        &self,
        key: &StorageKey,
        known: &Known,
        now: Duration,
    ) -> Option<Bytes> {
        self.asks_again.store(millis(now + ASK_AGAIN), Ordering::Relaxed);
        let age = self.age(key, known, now)?;
        let is_usable = now < known.ends && age < FRESH + UNANSWERED;
        known.record.clone().filter(|_| is_usable)
    }

    /// Notes that the store answered.
    pub(super) fn answered(&self) {
        if self.asks_again.load(Ordering::Relaxed) != 0 {
            self.asks_again.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the store did not answer the last read, and another request is the next to ask it.
    fn is_away(&self, now: Duration) -> bool {
        let (asks_again, now) = (self.asks_again.load(Ordering::Relaxed), millis(now));
        let next = now + millis(ASK_AGAIN);
        asks_again > now
            || asks_again > 0
                && self
                    .asks_again
                    .compare_exchange(asks_again, next, Ordering::Relaxed, Ordering::Relaxed)
                    .is_err()
    }

    /// The age of what is known of a record; `None` if its key may have been forgotten since.
    fn age(&self, key: &StorageKey, known: &Known, now: Duration) -> Option<Duration> {
        let is_certain = self.stripe(key).load(Ordering::SeqCst) == known.asked.forgotten;
        is_certain.then(|| now.saturating_sub(known.asked.at))
    }

    fn stripe(&self, key: &StorageKey) -> &AtomicU32 {
        // The key is a hash, so each of its bytes spreads evenly.
        &self.forgotten[usize::from(key.as_bytes()[1]) % STRIPES]
    }
}

impl AskedAt {
    /// The moment itself.
    pub(super) const fn at(self) -> Duration {
        self.at
    }
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        let Self(remembered, key) = self;
        // Counted first: a record that is put in between was asked for before, so it does not count any more.
        remembered.stripe(key).fetch_add(1, Ordering::SeqCst);
        remembered.drop_key(key);
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

/// Weighs a record by the memory that it takes.
#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<StorageKey, Arc<Known>> for ByBytes {
    fn weight(&self, _: &StorageKey, known: &Arc<Known>) -> u64 {
        (BESIDE + known.record.as_ref().map_or(0, Bytes::len)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);
    const LATER: Duration = Duration::from_secs(1000);

    fn key(number: u32) -> StorageKey {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        StorageKey::from_bytes(bytes)
    }

    fn is_certain(remembered: &Remembered, key: &StorageKey, now: Duration) -> bool {
        matches!(remembered.find(key, now), Some(Recalled::Certain(_)))
    }

    #[test]
    fn no_more_is_held_than_was_asked_for_and_nothing_that_is_too_long() {
        let bytes = 1 << 20;
        let remembered = Remembered::of_bytes(bytes);
        let keep = |number, length| {
            let (key, asked) = (key(number), remembered.asking(&key(number), NOW));
            remembered.keep(&key, &Bytes::from(vec![0; length]), asked, LATER);
            is_certain(&remembered, &key, NOW)
        };
        for number in 0..10_000 {
            keep(number, 100 + number as usize % 2000);
        }
        let held = remembered.records.as_ref().unwrap().weight();
        assert!((bytes as u64 / 2..=bytes as u64).contains(&held), "{held}");
        assert!(keep(10_000, bytes / 32 - BESIDE) && !keep(10_001, bytes / 16));
    }

    /// A read or an end that was sent before a person forgot the key, and whose answer comes afterwards.
    #[test]
    fn an_answer_that_was_asked_for_before_a_key_was_forgotten_does_not_count_afterwards() {
        let remembered = Remembered::of_bytes(1 << 20);
        let (key, record) = (key(1), Bytes::from_static(b"record"));
        let before = remembered.asking(&key, NOW);
        drop(remembered.forgetting(&key));
        remembered.keep(&key, &record, before, LATER);
        assert!(!is_certain(&remembered, &key, NOW));
        // It does not count while the store does not answer, either.
        let Some(Recalled::Due(known)) = remembered.find(&key, NOW) else { panic!("it is due") };
        assert_eq!(remembered.unanswered(&key, &known, NOW), None);
        remembered.keep(&key, &record, remembered.asking(&key, NOW), LATER);
        assert!(is_certain(&remembered, &key, NOW));
    }
}
