//! Waiting for a run of another process.

use crate::{EngineFixture, TTL, answer, ask, engine, patient};
use bytes::Bytes;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, Completion, Engine};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::{Entry, MemoryStore, Store, StoreFuture, Swap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Memory that never answers the second read, which is the one that a waiter makes for its room.
#[derive(Debug)]
struct SilentStore {
    store: MemoryStore,
    readings: AtomicUsize,
    silent: Arc<Notify>,
}

impl Store for SilentStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.store.create(key, value, life)
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.store.swap(key, expected, value, life)
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        if self.readings.fetch_add(1, Ordering::SeqCst) != 1 {
            return self.store.read(key);
        }
        self.silent.notify_one();
        StoreFuture::new(std::future::pending())
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.store.purge(limit)
    }

    fn describe(&self) -> String {
        self.store.describe()
    }
}

/// It would learn nothing, and with it nobody in its room.
#[tokio::test]
async fn a_waiter_whose_read_is_not_answered_asks_again() {
    let fixture = EngineFixture::new();
    let silent = Arc::<Notify>::default();
    let store = SilentStore {
        store: fixture.store.clone(),
        readings: AtomicUsize::new(0),
        silent: Arc::clone(&silent),
    };
    let clock = Arc::new(ManualClock::new());
    let here = Engine::new(Arc::new(store), clock, Duration::from_millis(50));
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = match elsewhere.begin(&ask(OnAbandoned::Retry)).await.unwrap() {
        Admission::Run(run) => run,
        other => panic!("no run: {other:?}"),
    };
    let asked = patient();
    let (begun, stored) = tokio::join!(here.begin(&asked), async {
        silent.notified().await;
        first.complete(answer("the first's"), TTL).await
    });
    assert_eq!(stored, Completion::Yes);
    let begun = begun.unwrap();
    assert!(matches!(begun, Admission::Replay(_)), "{begun:?}");
}
