//! Waiting for a run of another process.

use crate::{EngineFixture, TTL, answer, ask, engine, patient};
use bytes::Bytes;
use futures_util::future::join_all;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, Completion, Engine};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::Probe;

/// It would learn nothing, and with it nobody in its room.
#[tokio::test]
async fn a_waiter_whose_read_is_not_answered_asks_again() {
    let fixture = EngineFixture::new();
    let store = Probe::new(fixture.store.clone());
    let reads = store.answers_to_reads().clone();
    reads.close();
    let clock = Arc::new(ManualClock::new());
    let here = Engine::new(Arc::new(store), clock, Duration::from_millis(50));
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = match elsewhere.begin(&ask(OnAbandoned::Retry)).await.unwrap() {
        Admission::Run(run) => run,
        other => panic!("no run: {other:?}"),
    };
    let asked = patient();
    let (begun, stored) = tokio::join!(here.begin(&asked), async {
        // The first read is the claim's. The second is made for all in the room, and stays without an answer.
        reads.reached().await;
        reads.close();
        reads.open();
        reads.reached().await;
        first.complete(answer("the first's"), TTL).await
    });
    assert_eq!(stored, Completion::Yes);
    let begun = begun.unwrap();
    assert!(matches!(begun, Admission::Replay(_)), "{begun:?}");
}

/// Memory that counts how many claims are on their way to it.
#[derive(Clone, Debug)]
struct CountingStore {
    store: MemoryStore,
    claims: Arc<AtomicUsize>,
    at_once: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

impl Store for CountingStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(async move {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let created = self.store.create(key, value, life).await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            self.claims.fetch_add(1, Ordering::SeqCst);
            created
        })
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
        self.store.read(key)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.store.purge(limit)
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.store.watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        self.store.browse(request)
    }

    fn findings(&self) -> Vec<Finding> {
        self.store.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.store.adopt(settings);
    }
}

/// They are woken at once, and few of them ask the store at a time.
#[tokio::test]
async fn of_three_thousand_who_wait_none_is_refused_and_few_ask_at_a_time() {
    let fixture = EngineFixture::new();
    let store = CountingStore {
        store: fixture.store.clone(),
        claims: Arc::default(),
        at_once: Arc::default(),
        most_at_once: Arc::default(),
    };
    let here = engine(store.clone(), fixture.clock.clone());
    let Admission::Run(first) = here.begin(&ask(OnAbandoned::Retry)).await.unwrap() else {
        panic!("it is the first");
    };
    let asked = patient();
    let crowd = join_all((0..3_000).map(|_| here.begin(&asked)));
    let (begun, ()) = tokio::join!(crowd, async {
        while store.claims.load(Ordering::SeqCst) < 3_001 {
            tokio::task::yield_now().await;
        }
        // The last of them finds its place in this turn of the loop.
        tokio::task::yield_now().await;
        store.most_at_once.store(0, Ordering::SeqCst);
        assert_eq!(first.complete(answer("the first's"), TTL).await, Completion::Yes);
    });
    for begun in begun {
        assert!(matches!(begun, Ok(Admission::Replay(_))), "{begun:?}");
    }
    let most = store.most_at_once.load(Ordering::SeqCst);
    assert!((1..=64).contains(&most), "{most} at once");
}
