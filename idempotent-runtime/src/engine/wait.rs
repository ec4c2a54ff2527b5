//! Waiting for a key that another request holds: bounded, and without a storm.
//!
//! Requests that wait for one key in one process share a room. The owner wakes them if it runs in the
//! same process; for owners elsewhere one of them, the lookout, reads the record when the store tells
//! of a change, and now and then beside, and wakes the others. However many wait, one reads.

use crate::engine::lease::left_of_lease;
use crate::engine::pause::jittered;
use crate::key::StorageKey;
use crate::store::record::{Record, State};
use crate::store::{Changed, Store};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How many of those who were woken ask the store at a time: however many wait, it meets no storm.
const TURNS: usize = 64;

/// The pause before the lookout's first and later readings; each is jittered by half.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After a lease has this much less than nothing left, it is over, however the store rounds.
const TICK: Duration = Duration::from_millis(1);

/// The pause where the store tells of changes: what it failed to tell is seen then.
const TOLD_PAUSE: Duration = Duration::from_secs(1);

/// The rooms of one engine.
#[derive(Debug)]
pub(crate) struct WaitingRooms {
    rooms: Mutex<HashMap<StorageKey, OpenRoom>>,
    /// How many may wait for one key; the next is refused at once.
    slots: usize,
    turns: Semaphore,
}

/// A room and how many wait in it.
///
/// Counted under the lock: of two who leave at once, one must see that it is the last.
#[derive(Debug, Default)]
struct OpenRoom {
    room: Arc<Room>,
    slots: usize,
}

#[derive(Debug)]
struct Room {
    news: Notify,
    lookout: Semaphore,
}

impl Default for Room {
    fn default() -> Self {
        Self { news: Notify::new(), lookout: Semaphore::new(1) }
    }
}

/// A place in a room; the last one to leave closes it.
#[derive(Debug)]
pub(crate) struct WaiterSlot<'a> {
    rooms: &'a WaitingRooms,
    key: StorageKey,
    room: Arc<Room>,
}

/// A request that waits for another one.
pub(super) struct Waiting<'a> {
    pub(super) until: Duration,
    /// None, if too many wait already.
    pub(super) slot: Option<WaiterSlot<'a>>,
    /// The turn of who was woken, until it waits again.
    pub(super) turn: Option<SemaphorePermit<'a>>,
}

impl Waiting<'_> {
    /// Waits for news of the key and for a turn to ask, until its time is up.
    pub(super) async fn wait(
        &mut self,
        store: &dyn Store,
        now: Duration,
        patience: Duration,
    ) -> Woken {
        self.turn = None;
        let Some(slot) = &self.slot else { return Woken::TimedOut };
        let at_most = self.until.saturating_sub(now);
        let began = Instant::now();
        if slot.wait(store, patience, at_most).await == Woken::TimedOut {
            return Woken::TimedOut;
        }
        let left = at_most.saturating_sub(began.elapsed());
        let turn = tokio::time::timeout(left, slot.rooms.turns.acquire()).await;
        self.turn = turn.ok().and_then(Result::ok);
        if self.turn.is_some() { Woken::News } else { Woken::TimedOut }
    }
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something changed: it is worth claiming again.
    News,
    /// The time was up.
    TimedOut,
}

impl WaitingRooms {
    /// Rooms in each of which so many may wait.
    pub(crate) fn new(slots: usize) -> Self {
        Self { rooms: Mutex::default(), slots, turns: Semaphore::new(TURNS) }
    }

    /// Takes a place, unless the room is full.
    pub(crate) fn enter(&self, key: StorageKey) -> Option<WaiterSlot<'_>> {
        let mut rooms = self.lock();
        let open = rooms.entry(key).or_default();
        (open.slots < self.slots).then(|| {
            open.slots += 1;
            WaiterSlot { rooms: self, key, room: Arc::clone(&open.room) }
        })
    }

    /// The key has an outcome: everybody who waits for it can have it.
    pub(crate) fn finished(&self, key: &StorageKey) {
        self.in_room(key, Notify::notify_waiters);
    }

    /// The key is free: the one who waited longest may try.
    pub(crate) fn freed(&self, key: &StorageKey) {
        self.in_room(key, Notify::notify_one);
    }

    fn in_room(&self, key: &StorageKey, tell: impl FnOnce(&Notify)) {
        if let Some(open) = self.lock().get(key) {
            tell(&open.room.news);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StorageKey, OpenRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaiterSlot<'_> {
    /// Waits for news of the key, at most this long; a look at it may take `patience`.
    pub(crate) async fn wait(
        &self,
        store: &dyn Store,
        patience: Duration,
        at_most: Duration,
    ) -> Woken {
        tokio::select! {
            () = self.room.news.notified() => Woken::News,
            () = self.look_out(store, patience) => Woken::News,
            () = tokio::time::sleep(at_most) => Woken::TimedOut,
        }
    }

    /// Waits for its turn as the lookout, then reads until the record changes hands.
    async fn look_out(&self, store: &dyn Store, patience: Duration) {
        let Ok(_turn) = self.room.lookout.acquire().await else { return };
        let mut watcher = ChangeWatcher { store, key: &self.key, changed: None };
        let (mut pause, mut left) = (FIRST_PAUSE, Duration::MAX);
        loop {
            tokio::select! {
                () = watcher.next() => {}
                () = tokio::time::sleep(jittered(pause).min(left)) => {}
            }
            pause = watcher.pause().unwrap_or((pause * 2).min(LONGEST_PAUSE));
            // What cannot be read is for the claim to report.
            let looked = tokio::time::timeout(patience, self.look(store)).await;
            match looked.unwrap_or(Observation::Free) {
                Observation::Unchanged { lease } => left = lease + TICK,
                Observation::Finished => return self.room.news.notify_waiters(),
                // The lookout itself goes and tries; the others stay.
                Observation::Free => return,
            }
        }
    }

    async fn look(&self, store: &dyn Store) -> Observation {
        let Ok(Some(entry)) = store.read(&self.key).await else { return Observation::Free };
        match Record::decode(&self.key, &entry.value).map(|record| record.state) {
            Ok(State::Completed(_)) => Observation::Finished,
            Ok(State::InProgress { retention, .. }) => left_of_lease(&entry, retention)
                .map_or(Observation::Free, |lease| Observation::Unchanged { lease }),
            _ => Observation::Free,
        }
    }
}

enum Observation {
    /// The owner's lease holds, this long if it is not renewed.
    Unchanged {
        lease: Duration,
    },
    Finished,
    Free,
}

/// The store's word that a key changed.
struct ChangeWatcher<'a> {
    store: &'a dyn Store,
    key: &'a StorageKey,
    /// While the key is watched.
    changed: Option<Changed>,
}

impl ChangeWatcher<'_> {
    /// Done when it is worth a look: after a change, with the key watched again so that none is
    /// missed. May be dropped and called again.
    async fn next(&mut self) {
        if let Some(changed) = &mut self.changed {
            changed.await;
            self.changed = None;
        }
        let watching = match self.store.watch(self.key) {
            Some(watching) => watching.await.ok(),
            None => None,
        };
        match watching {
            Some(changed) => self.changed = Some(changed),
            // It is tried again after the next look.
            None => std::future::pending().await,
        }
    }

    /// The pause that is short enough beside being told.
    fn pause(&self) -> Option<Duration> {
        self.changed.is_some().then_some(TOLD_PAUSE)
    }
}

impl Drop for WaiterSlot<'_> {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        if let Some(open) = rooms.get_mut(&self.key) {
            open.slots -= 1;
            if open.slots == 0 {
                rooms.remove(&self.key);
            }
        }
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use futures_util::poll;
    use shuttle::future::block_on;
    use shuttle::thread;
    use std::pin::pin;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

    /// A waiter hears the news, although others come and go, and the last one closes the room.
    #[test]
    fn who_waits_is_woken_and_the_last_one_closes_the_room() {
        let order = || {
            let rooms = Arc::new(WaitingRooms::new(3));
            let guests = [(); 2].map(|()| {
                let rooms = Arc::clone(&rooms);
                thread::spawn(move || drop(rooms.enter(KEY)))
            });
            let waits = {
                let rooms = Arc::clone(&rooms);
                thread::spawn(move || {
                    let slot = rooms.enter(KEY).expect("there is room");
                    block_on(async {
                        let mut news = pin!(slot.room.news.notified());
                        assert!(poll!(&mut news).is_pending(), "nothing happened yet");
                        let owner = Arc::clone(&rooms);
                        let owner = thread::spawn(move || owner.finished(&KEY));
                        // Were it told in a room where nobody waits, this would wait for ever.
                        news.await;
                        owner.join().unwrap();
                    });
                })
            };
            waits.join().unwrap();
            for guest in guests {
                guest.join().unwrap();
            }
            assert!(rooms.lock().is_empty(), "a room without guests stays open");
        };
        shuttle::check_random(order, 10_000);
        shuttle::check_pct(order, 5_000, 4);
    }
}
