//! A part of the values, with one lock.

use crate::clock::millis;
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::Entry;
use crate::store::record::Summary;
use bytes::Bytes;
use indexmap::IndexMap;
use std::time::Duration;

/// The number of new values after which a shard sweeps, and the number of slots that it visits then.
///
/// Two visits for each new value keep the number of dead values below that of living ones, and a constant
/// number keeps the cost of a put constant. Many slots are visited in a row, because neighbours are cheap to visit.
const SWEEP_AFTER: usize = 16;
const SWEEP: usize = 2 * SWEEP_AFTER;

#[derive(Default)]
pub(super) struct Shard {
    pub(super) slots: IndexMap<StorageKey, Slot, foldhash::fast::RandomState>,
    /// The next slot to visit.
    hand: usize,
    /// The number of values that were put since the last sweep.
    fresh: usize,
}

pub(super) struct Slot {
    /// A copy of exactly this length, which readers share.
    pub(super) value: Bytes,
    /// The end of its life, in milliseconds of the clock's steady time.
    pub(super) ends: u64,
}

impl Slot {
    pub(super) fn new(value: &Bytes, now: u64, life: Duration) -> Self {
        Self { value: Bytes::copy_from_slice(value), ends: now.saturating_add(millis(life)) }
    }
}

impl Shard {
    pub(super) fn living(&mut self, key: &StorageKey, now: u64) -> Option<&mut Slot> {
        self.slots.get_mut(key).filter(|slot| slot.ends > now)
    }

    /// The value of a slot, if it is alive and the filter lets it through.
    pub(super) fn wanted(
        &self,
        slot: usize,
        request: &PageRequest,
        now: u64,
    ) -> Option<(StorageKey, Entry)> {
        let (key, slot) = self.slots.get_index(slot)?;
        let left = slot.ends.checked_sub(now).filter(|left| *left > 0)?;
        let is_wanted = Summary::of(&slot.value).passes(&request.filter);
        is_wanted.then(|| (*key, Entry::new(slot.value.clone(), Duration::from_millis(left))))
    }

    /// Visits some slots, after enough new values.
    pub(super) fn sweep(&mut self, now: u64) {
        self.fresh += 1;
        if self.fresh >= SWEEP_AFTER {
            self.fresh = 0;
            for _ in 0..SWEEP {
                self.visit(now);
            }
        }
    }

    /// Visits at most this many slots, until it has dropped `limit` values. Returns the number of values that
    /// it dropped.
    pub(super) fn drop_over(&mut self, visits: usize, limit: u32, now: u64) -> u32 {
        let mut dropped = 0;
        for _ in 0..visits {
            if dropped == limit {
                break;
            }
            dropped += u32::from(self.visit(now));
        }
        dropped
    }

    /// Visits the next slot and drops its value if its life is over. Returns whether it did.
    fn visit(&mut self, now: u64) -> bool {
        if self.hand >= self.slots.len() {
            self.hand = 0;
        }
        match self.slots.get_index(self.hand) {
            Some((_, slot)) if slot.ends <= now => {
                self.slots.swap_remove_index(self.hand);
                true
            }
            _ => {
                self.hand += 1;
                false
            }
        }
    }
}
