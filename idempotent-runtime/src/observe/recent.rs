//! The numbers of the last minutes, in slots of ten seconds, for the inspector.
//!
//! Each group of threads counts for itself. A reader adds up all groups.

use crate::stripes::Striped;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The number of slots that are remembered.
pub(crate) const SLOTS: usize = 30;

/// The length of a slot.
pub(crate) const SLOT: Duration = Duration::from_secs(10);

/// The moment from which the slots are numbered.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The number of the current slot.
fn now() -> u64 {
    BEGAN.elapsed().as_secs() / SLOT.as_secs()
}

/// The last slots, each at the place of its number.
#[derive(Debug, Default)]
struct Ring<T> {
    newest: u64,
    slots: [T; SLOTS],
}

impl<T: AddAssign + Copy + Default> Ring<T> {
    fn add(&mut self, slot: u64, value: T) {
        self.turn(slot);
        self.slots[place(slot)] += value;
    }

    /// All slots up to this one, the oldest first.
    fn read(&mut self, slot: u64) -> [T; SLOTS] {
        self.turn(slot);
        let mut read = self.slots;
        read.rotate_left(place(self.newest + 1));
        read
    }

    /// Empties the slots between the newest and this one.
    fn turn(&mut self, slot: u64) {
        let passed = slot.saturating_sub(self.newest).min(SLOTS as u64);
        for empty in 0..passed {
            self.slots[place(slot - empty)] = T::default();
        }
        self.newest = self.newest.max(slot);
    }
}

fn place(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or_default()
}

/// A total that remembers when it grew.
#[derive(Debug, Default)]
pub(super) struct RecentTotal(Striped<Mutex<Growth>>);

#[derive(Debug, Default)]
struct Growth {
    all: u64,
    ring: Ring<u32>,
}

/// A total, and its growth in the last slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TotalSeen {
    /// The total since the process began.
    pub(crate) all: u64,
    /// The growth in each of the last slots, the oldest first.
    pub(crate) recent: [u32; SLOTS],
}

impl RecentTotal {
    pub(super) fn add(&self, count: u32) {
        let mut growth = locked(self.0.own());
        growth.all += u64::from(count);
        growth.ring.add(now(), count);
    }

    pub(super) fn seen(&self) -> TotalSeen {
        let now = now();
        let mut seen = TotalSeen { all: 0, recent: [0; SLOTS] };
        for group in self.0.all() {
            let mut growth = locked(group);
            seen.all += growth.all;
            for (all, one) in seen.recent.iter_mut().zip(growth.ring.read(now)) {
                *all += one;
            }
        }
        seen
    }
}

/// The distribution of values in the last slots.
#[derive(Debug, Default)]
pub(super) struct RecentSpread(Striped<Mutex<Ring<Spread>>>);

/// A distribution in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) count: u32,
    pub(crate) sum: f64,
    pub(crate) largest: f64,
}

impl AddAssign for Spread {
    fn add_assign(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.largest = self.largest.max(other.largest);
    }
}

impl Spread {
    /// The mean; `None` without values.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

impl RecentSpread {
    pub(super) fn record(&self, value: f64) {
        locked(self.0.own()).add(now(), Spread { count: 1, sum: value, largest: value });
    }

    pub(super) fn seen(&self) -> Spread {
        let now = now();
        let mut all = Spread::default();
        for group in self.0.all() {
            for slot in locked(group).read(now) {
                all += slot;
            }
        }
        all
    }
}

/// The value of a level. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptLevel(Arc<AtomicU32>);

impl KeptLevel {
    pub(super) fn set(&self, to: u32) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn grown(slots: &[(u64, u32)], read: u64) -> Vec<u32> {
        let mut ring = Ring::default();
        for (slot, count) in slots {
            ring.add(*slot, *count);
        }
        ring.read(read).to_vec()
    }

    #[test]
    fn the_newest_slot_is_the_last_and_old_ones_are_forgotten() {
        let last = |counts: &[u32]| [vec![0; SLOTS - counts.len()], counts.to_vec()].concat();
        assert_eq!(grown(&[(0, 1), (0, 2), (1, 4)], 1), last(&[3, 4]));
        assert_eq!(grown(&[(7, 1), (9, 4)], 10), last(&[1, 0, 4, 0]));
        // A value of the slot before, from a thread that read the clock earlier.
        assert_eq!(grown(&[(9, 4), (8, 1)], 9), last(&[1, 4]));
        let slots = SLOTS as u64;
        assert_eq!(grown(&[(3, 1), (3 + slots - 1, 5)], 3 + slots - 1)[0], 1);
        for gap in [slots, slots + 1, 5 * slots, 5 * slots + 7] {
            assert_eq!(grown(&[(2, 1), (3, 1), (3 + gap, 5)], 3 + gap), last(&[5]), "{gap}");
        }
    }

    #[test]
    fn a_spread_has_the_mean_and_the_largest_of_all_threads() {
        let spread = RecentSpread::default();
        assert_eq!(spread.seen().mean(), None);
        thread::scope(|threads| {
            for value in [1.0, 4.0, 1.0] {
                let spread = &spread;
                threads.spawn(move || spread.record(value));
            }
        });
        let seen = spread.seen();
        assert_eq!((seen.count, seen.mean(), seen.largest), (3, Some(2.0), 4.0));
    }

    #[test]
    fn a_total_is_that_of_all_threads() {
        let total = RecentTotal::default();
        thread::scope(|threads| {
            for count in [1, 4] {
                let total = &total;
                threads.spawn(move || total.add(count));
            }
        });
        let seen = total.seen();
        assert_eq!((seen.all, seen.recent.iter().sum::<u32>()), (5, 5));
    }
}
