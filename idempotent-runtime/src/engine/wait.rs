//! Waiting for a key that another request holds: bounded, and without a storm.
//!
//! Requests for one key that may wait share a room from their first claim on, if their fingerprint is the same.
//! One of them asks the store for all; the others wait for its answer, or for the end of the run that it found.
//! The owner tells them if it runs in the same process; for owners elsewhere one of them, the lookout, reads the
//! record when the store tells of a change, and now and then beside. However many wait, one reads, and an outcome that
//! it finds is for all.

use crate::engine::claimed::{Claimed, FirstRequest};
use crate::engine::lookout::look_out;
use crate::engine::question::Question;
use crate::engine::room::{NextInRoom, Room, SharedAnswer};
use crate::key::StorageKey;
use crate::store::Store;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many ask the store at a time of those whose time is over and who do not know what becomes of the first.
const TURNS: usize = 64;

/// The rooms of one engine.
#[derive(Debug)]
pub(crate) struct WaitingRooms {
    /// Of each key usually one.
    rooms: Mutex<HashMap<StorageKey, Vec<OpenRoom>>>,
    /// How many are in a room: where nobody is, the end of a run takes no lock.
    inside: AtomicUsize,
    /// How many may wait for one key; the next is refused at once.
    slots: usize,
    turns: Semaphore,
}

/// A room, and how many are in it.
///
/// Counted under the lock: of two who leave at once, one must see that it is the last.
#[derive(Debug)]
struct OpenRoom {
    /// The request of everybody inside.
    of: FirstRequest,
    room: Arc<Room>,
    slots: usize,
    /// Those who waited, and run.
    runners: usize,
}

/// A place in a room; the last one to leave closes it.
#[derive(Debug)]
pub(crate) struct WaiterSlot<'a> {
    rooms: &'a WaitingRooms,
    key: StorageKey,
    room: Arc<Room>,
    /// The number of the last question before it came.
    since: u64,
}

/// The end of a wait.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    /// It asks the store, for all in the room.
    Ask(Question<'a>),
    /// It saw the outcome, and tells all in the room.
    Saw(Question<'a>, Claimed),
    /// It asks the store, for itself: what is known is older than it is, and its time is up.
    Alone,
    /// Another one asked.
    Told(SharedAnswer),
    /// Its time is up, and somebody else is at work, whose lease was to hold for this long.
    TimedOut(Duration),
}

impl WaitingRooms {
    /// Rooms where so many may wait for one key.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            rooms: Mutex::default(),
            inside: AtomicUsize::new(0),
            slots,
            turns: Semaphore::new(TURNS),
        }
    }

    /// Takes a place among those with the same request, unless too many are there.
    pub(crate) fn enter(&self, key: StorageKey, of: FirstRequest) -> Option<WaiterSlot<'_>> {
        let mut rooms = self.lock();
        let of_key = rooms.entry(key).or_default();
        if of_key.iter().map(|open| open.slots).sum::<usize>() >= self.slots {
            return None;
        }
        let place = of_key.iter().position(|open| open.of == of).unwrap_or_else(|| {
            of_key.push(OpenRoom { of, room: Arc::default(), slots: 0, runners: 0 });
            of_key.len() - 1
        });
        let open = &mut of_key[place];
        open.slots += 1;
        // Before it asks the store: whoever changes the key later sees it.
        self.inside.fetch_add(1, Ordering::SeqCst);
        let room = Arc::clone(&open.room);
        Some(WaiterSlot { rooms: self, key, since: room.asked(), room })
    }

    /// The key has an outcome or is free: it is worth asking.
    pub(crate) fn changed(&self, key: &StorageKey) {
        if self.inside.load(Ordering::SeqCst) == 0 {
            return;
        }
        for open in self.lock().get(key).into_iter().flatten() {
            open.room.changed();
        }
    }

    /// A turn of one who asks for itself alone.
    pub(super) async fn turn_alone(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Lets one in a room run, beside the place that it has there.
    fn seat(&self, key: &StorageKey, room: &Arc<Room>) {
        let mut rooms = self.lock();
        let mut of_key = rooms.get_mut(key).into_iter().flatten();
        if let Some(open) = of_key.find(|open| Arc::ptr_eq(&open.room, room)) {
            open.runners += 1;
            self.inside.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Takes one who ran out of its room.
    pub(super) fn unseat(&self, key: &StorageKey, room: &Arc<Room>) {
        self.leave(key, room, |open| open.runners -= 1);
    }

    /// Takes one out of a room, and closes it after the last one.
    fn leave(&self, key: &StorageKey, room: &Arc<Room>, take_out: impl FnOnce(&mut OpenRoom)) {
        let mut rooms = self.lock();
        let Some(of_key) = rooms.get_mut(key) else { return };
        if let Some(place) = of_key.iter().position(|open| Arc::ptr_eq(&open.room, room)) {
            let open = &mut of_key[place];
            take_out(open);
            self.inside.fetch_sub(1, Ordering::SeqCst);
            if open.slots + open.runners == 0 {
                of_key.swap_remove(place);
            }
        }
        if of_key.is_empty() {
            rooms.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StorageKey, Vec<OpenRoom>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaiterSlot<'_> {
    /// Its key and its room, where it takes a seat while it runs.
    pub(super) fn seated(&self) -> (StorageKey, Arc<Room>) {
        let (key, room) = (self.key, Arc::clone(&self.room));
        self.rooms.seat(&key, &room);
        (key, room)
    }

    /// Its turn, if there is nothing to wait for.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        match self.room.next(self.since) {
            NextInRoom::Ask(number) => Some(Turn::Ask(Question::of(&self.room, number))),
            NextInRoom::Told(answer) => Some(Turn::Told(answer)),
            NextInRoom::Wait(_) => None,
        }
    }

    /// Waits for its turn, at most this long; a look at the record may take `patience`.
    pub(super) async fn wait(
        &self,
        store: &dyn Store,
        patience: Duration,
        at_most: Duration,
    ) -> Turn<'_> {
        let mut time = pin!(tokio::time::sleep(at_most));
        loop {
            // Before the look at what is known: what is told from here on is heard.
            let news = self.room.news.notified();
            let outlook = match self.room.next(self.since) {
                NextInRoom::Ask(number) => return Turn::Ask(Question::of(&self.room, number)),
                NextInRoom::Told(answer) => return Turn::Told(answer),
                NextInRoom::Wait(outlook) => outlook,
            };
            // An answer that is on its way is waited for whatever time is left: the store has its own.
            let is_answer_near = outlook.is_asking && outlook.left.is_none();
            tokio::select! {
                () = news => {}
                seen = look_out(&self.room, &self.key, store, patience), if !outlook.is_asking => {
                    match seen {
                        Some((number, outcome)) if self.room.may_tell() => {
                            return Turn::Saw(Question::of(&self.room, number), outcome);
                        }
                        Some(_) | None => self.room.changed(),
                    }
                }
                () = &mut time, if !is_answer_near => {
                    return outlook.left.map_or(Turn::Alone, Turn::TimedOut);
                }
            }
        }
    }
}

impl Drop for WaiterSlot<'_> {
    fn drop(&mut self) {
        self.rooms.leave(&self.key, &self.room, |open| open.slots -= 1);
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use crate::fingerprint::Fingerprint;
    use crate::policy::DefinitionId;
    use futures_util::poll;
    use shuttle::future::block_on;
    use shuttle::thread;
    use std::pin::pin;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
    const REQUEST: FirstRequest =
        FirstRequest { fingerprint: Fingerprint::NONE, definition: DefinitionId::NONE };

    /// A waiter hears the news, although others come and go, and the last one closes the room.
    #[test]
    fn who_waits_is_woken_and_the_last_one_closes_the_room() {
        let order = || {
            let rooms = Arc::new(WaitingRooms::new(3));
            let guests = [(); 2].map(|()| {
                let rooms = Arc::clone(&rooms);
                thread::spawn(move || drop(rooms.enter(KEY, REQUEST)))
            });
            let waits = {
                let rooms = Arc::clone(&rooms);
                thread::spawn(move || {
                    let slot = rooms.enter(KEY, REQUEST).expect("there is room");
                    block_on(async {
                        let mut news = pin!(slot.room.news.notified());
                        assert!(poll!(&mut news).is_pending(), "nothing happened yet");
                        let owner = Arc::clone(&rooms);
                        let owner = thread::spawn(move || owner.changed(&KEY));
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
