//! Looking at a record that others hold, for all who wait for its key in a process.

use crate::clock::jittered;
use crate::engine::lease::left_of_lease;
use crate::engine::room::Room;
use crate::key::StorageKey;
use crate::store::record::{Record, State};
use crate::store::{Changed, Store};
use std::time::Duration;

/// The pause before the lookout's first and later readings; each is jittered by half.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// After a lease has this much less than nothing left, it is over, however the store rounds.
const TICK: Duration = Duration::from_millis(1);

/// The pause where the store tells of changes: what it failed to tell is seen then.
const TOLD_PAUSE: Duration = Duration::from_secs(1);

/// Waits for its turn as the lookout, then reads until the record changes hands, or cannot be read: that is for a
/// claim to report.
pub(super) async fn look_out(room: &Room, key: &StorageKey, store: &dyn Store, patience: Duration) {
    let Ok(_turn) = room.lookout.acquire().await else { return };
    // The last lookout's answer may be on its way to all who wait: each would look at once, were it watched first.
    tokio::time::sleep(jittered(FIRST_PAUSE)).await;
    let mut watcher = ChangeWatcher { store, key, changed: None };
    let (mut pause, mut left) = (FIRST_PAUSE, Duration::MAX);
    loop {
        tokio::select! {
            () = watcher.next() => {}
            () = tokio::time::sleep(jittered(pause).min(left)) => {}
        }
        pause = watcher.pause().unwrap_or((pause * 2).min(LONGEST_PAUSE));
        let number = room.looks();
        let looked = tokio::time::timeout(patience, lease_of(key, store)).await;
        let Ok(Some(lease)) = looked else { return };
        room.seen_at_work(number, lease);
        left = lease + TICK;
    }
}

/// How long the lease of the owner holds if it is not renewed; nothing, if there is none.
async fn lease_of(key: &StorageKey, store: &dyn Store) -> Option<Duration> {
    let entry = store.read(key).await.ok()??;
    match Record::decode(key, &entry.value).ok()?.state {
        State::InProgress { retention, .. } => left_of_lease(&entry, retention),
        _ => None,
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
