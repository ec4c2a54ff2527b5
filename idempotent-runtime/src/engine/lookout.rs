//! Looking at a record that others hold, for all who wait for its key in a process.

use crate::clock::jittered;
use crate::engine::claimed::{Claimed, FirstRequest};
use crate::engine::lease::left_of_lease;
use crate::engine::room::Room;
use crate::key::StorageKey;
use crate::store::record::{Record, State};
use crate::store::{Changed, Entry, Store};
use std::time::Duration;

/// The pause before the lookout's first and later readings; each is jittered by half.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After a lease has this much less than nothing left, it is over, however the store rounds.
const TICK: Duration = Duration::from_millis(1);

/// The pause where the store tells of changes: what it failed to tell is seen then.
const TOLD_PAUSE: Duration = Duration::from_secs(2);

/// The pause where the owner is in this process, and tells of its end: that it lost its key is seen then.
const HERE_PAUSE: Duration = Duration::from_secs(5);

/// The outcome that a look found, and the number of that look.
pub(super) type SeenOutcome = (u64, Claimed);

/// Waits for its turn as the lookout, then reads until there is an outcome; or nothing, where the record changes hands
/// otherwise, or cannot be read: that is for a claim to report.
pub(super) async fn look_out(
    room: &Room,
    key: &StorageKey,
    store: &dyn Store,
    patience: Duration,
) -> Option<SeenOutcome> {
    let _turn = room.lookout.acquire().await.ok()?;
    // The last lookout's answer may be on its way to all who wait: each would look at once, were it watched first.
    tokio::time::sleep(jittered(FIRST_PAUSE)).await;
    let mut watcher = ChangeWatcher { store, key, changed: None };
    let here = room.lease_here();
    let mut pause = here.map_or(FIRST_PAUSE, |_| HERE_PAUSE);
    let mut left = here.map_or(Duration::MAX, |lease| lease + TICK);
    loop {
        tokio::select! {
            () = watcher.next(), if here.is_none() => {}
            () = tokio::time::sleep(jittered(pause).min(left)) => {}
        }
        pause = match here {
            Some(_) => HERE_PAUSE,
            None => watcher.pause().unwrap_or((pause * 2).min(LONGEST_PAUSE)),
        };
        let number = room.looks();
        let read = tokio::time::timeout(patience, store.read(key)).await;
        let lease = match look_at(key, &read.ok()?.ok()??)? {
            Sight::AtWork(lease) => lease,
            Sight::Done(outcome) => return Some((number, outcome)),
        };
        room.seen_at_work(number, lease);
        left = lease + TICK;
    }
}

/// The record of a key, as it concerns those who wait.
enum Sight {
    /// The lease of the owner holds for so long if it is not renewed.
    AtWork(Duration),
    /// It ran.
    Done(Claimed),
}

fn look_at(key: &StorageKey, entry: &Entry) -> Option<Sight> {
    let Record { state, fingerprint, origin, .. } = Record::decode(key, &entry.value).ok()?;
    let first = FirstRequest { fingerprint, definition: origin.definition };
    match state {
        State::InProgress { retention, .. } => left_of_lease(entry, retention).map(Sight::AtWork),
        State::Completed(outcome) => {
            Some(Sight::Done(Claimed::Done { first, outcome: Box::new(outcome) }))
        }
        State::Issued | State::Cancelled => None,
    }
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
