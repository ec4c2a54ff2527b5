//! Waiting for a key that another request holds: bounded, and without a storm.
//!
//! Those who wait for one key in one process share a room. The owner wakes them if it runs in the
//! same process; for owners elsewhere one of them, the lookout, reads the record now and then and
//! wakes the others. However many wait, one reads.

use crate::key::StorageKey;
use crate::store::Store;
use crate::store::record::{Record, State};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Sleep;

/// How many requests of one process may wait for one key; the next is refused at once.
const SEATS: usize = 1024;

/// The pause before the lookout's first and later readings; each is jittered by half.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The rooms of one engine.
#[derive(Debug, Default)]
pub(crate) struct WaitingRooms {
    rooms: Mutex<HashMap<StorageKey, Arc<Room>>>,
}

#[derive(Debug)]
struct Room {
    news: Notify,
    lookout: Semaphore,
}

/// A place in a room; leaving the last one closes it.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    rooms: &'a WaitingRooms,
    key: StorageKey,
    room: Arc<Room>,
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
    /// Takes a seat, unless the room is full.
    pub(crate) fn enter(&self, key: StorageKey) -> Option<Seat<'_>> {
        let mut rooms = self.lock();
        let room = rooms
            .entry(key)
            .or_insert_with(|| Arc::new(Room { news: Notify::new(), lookout: Semaphore::new(1) }));
        // One reference is the map's own.
        (Arc::strong_count(room) <= SEATS).then(|| Seat {
            rooms: self,
            key,
            room: Arc::clone(room),
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

    /// Under the lock throughout: the references to a room are its seats and the map's own.
    fn in_room(&self, key: &StorageKey, tell: impl FnOnce(&Notify)) {
        if let Some(room) = self.lock().get(key) {
            tell(&room.news);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StorageKey, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    /// Waits for news of the key, at most this long.
    pub(crate) async fn wait(&self, store: &dyn Store, at_most: Duration) -> Woken {
        tokio::select! {
            () = self.room.news.notified() => Woken::News,
            () = self.look_out(store) => Woken::News,
            () = tokio::time::sleep(at_most) => Woken::TimedOut,
        }
    }

    /// Waits for its turn as the lookout, then reads until the record changes hands.
    async fn look_out(&self, store: &dyn Store) {
        let Ok(_turn) = self.room.lookout.acquire().await else { return };
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.look(store).await {
                Sight::Unchanged => {}
                Sight::Finished => return self.room.news.notify_waiters(),
                // The lookout itself goes and tries; the others stay.
                Sight::Free => return,
            }
        }
    }

    async fn look(&self, store: &dyn Store) -> Sight {
        // What cannot be read is for the claim to report.
        let Ok(Some(entry)) = store.read(&self.key).await else { return Sight::Free };
        match Record::decode(&self.key, &entry.value).map(|record| record.state) {
            Ok(State::Completed(_)) => Sight::Finished,
            Ok(State::InProgress { keep, .. }) if entry.left > keep => Sight::Unchanged,
            _ => Sight::Free,
        }
    }
}

enum Sight {
    Unchanged,
    Finished,
    Free,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        // The map's reference and this one.
        if Arc::strong_count(&self.room) <= 2 {
            rooms.remove(&self.key);
        }
    }
}

/// Between half of a duration and one and a half of it, so that many do not act in step.
pub(super) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.5 + rand::random::<f64>())
}

/// A timer off the future that waits for it: pauses are rare, and futures are moved often.
pub(super) fn pause_for(time: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(time))
}
