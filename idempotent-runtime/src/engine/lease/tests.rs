//! Invariant S3 for renewals, and renewals that are overtaken.

use super::*;
use crate::clock::ManualClock;
use crate::engine::claim::{Claim, Claimable, claim};
use crate::engine::claimed::Claimed;
use crate::engine::claimer::Claimer;
use crate::fingerprint::Fingerprint;
use crate::key::Guard;
use crate::policy::DefinitionId;
use crate::store::{
    Changed, Entry, Finding, Label, MemoryStore, Page, PageRequest, StoreFuture, StoreSettings,
};
use futures_util::poll;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Semaphore;

const KEY: StorageKey = StorageKey::from_bytes([1; 32]);
const LENGTH: Duration = Duration::from_secs(10);
const KEEP: Duration = Duration::from_mins(1);

/// A memory store whose exchanges arrive as late as the test wants.
#[derive(Debug)]
struct Slow {
    store: MemoryStore,
    road: Semaphore,
}

impl Store for Slow {
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
        StoreFuture::new(async move {
            let _passed = self.road.acquire().await;
            self.store.swap(key, expected, value, life).await
        })
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

struct Desk {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    lease: Arc<Lease>,
}

impl Desk {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::with_clock(clock.clone());
        let lease = granted(&store, None).await;
        Self { clock, store, lease }
    }

    async fn entry(&self) -> Option<Entry> {
        self.store.read(&KEY).await.unwrap()
    }

    async fn left(&self) -> Duration {
        self.entry().await.unwrap().left
    }

    fn slow(&self) -> Slow {
        Slow { store: self.store.clone(), road: Semaphore::new(0) }
    }
}

async fn granted(store: &MemoryStore, take_over: Option<u64>) -> Arc<Lease> {
    claimed(store, Claimer { owner: Owner::random(), now: Duration::ZERO, first: 1, take_over })
        .await
}

async fn claimed(store: &MemoryStore, by: Claimer) -> Arc<Lease> {
    let wanted = Claim {
        key: KEY,
        label: Label::new(Guard::Handler, "op", "key"),
        definition: DefinitionId::NONE,
        fingerprint: Fingerprint::NONE,
        claimable: Claimable::Any,
        lease: LENGTH,
        retention: KEEP,
        if_forgotten: IfForgotten::PutAgain,
    };
    match claim(store, &wanted, &by).await.unwrap() {
        Claimed::Acquired(lease) => lease,
        other => panic!("not granted: {other:?}"),
    }
}

#[tokio::test]
async fn a_renewal_extends_the_lease_from_when_it_is_made() {
    let desk = Desk::new().await;
    for _ in 0..3 {
        desk.clock.advance(LENGTH / 2);
        assert_eq!(desk.lease.renew(&desk.store, &*desk.clock).await.unwrap(), Put::There);
        assert_eq!(desk.left().await, LENGTH + KEEP);
    }
}

/// Invariant S9: a second claim of the same owner has every renewal since.
#[tokio::test]
async fn a_lease_that_was_renewed_is_still_the_same() {
    let desk = Desk::new().await;
    desk.lease.renew(&desk.store, &*desk.clock).await.unwrap();
    let entry = desk.entry().await;
    let by = Claimer { owner: desk.lease.owner, now: Duration::ZERO, first: 1, take_over: None };
    let again = claimed(&desk.store, by).await;
    assert_eq!((again.attempt(), desk.entry().await), (1, entry));
    desk.clock.advance(LENGTH / 2);
    assert_eq!(again.renew(&desk.store, &*desk.clock).await.unwrap(), Put::There);
    assert_eq!(desk.left().await, LENGTH + KEEP);
}

/// Invariant S3.
#[tokio::test]
async fn a_stale_renewal_changes_nothing() {
    let desk = Desk::new().await;
    desk.clock.advance(LENGTH);
    let owner = granted(&desk.store, Some(1)).await;
    let endings = [
        (owner.running(0), Loss::Taken),
        (owner.released(), Loss::GivenBack),
        (owner.completed(&Seal::default(), Outcome::Tombstone), Loss::Ended),
    ];
    for (ending, loss) in endings {
        let life = LENGTH + KEEP;
        assert_eq!(owner.exchange(&desk.store, &ending, life).await.unwrap(), Put::There);
        owner.current().value = ending;
        let before = desk.entry().await;
        let renewed = desk.lease.renew(&desk.store, &*desk.clock).await.unwrap();
        assert_eq!((renewed, desk.entry().await), (Put::Lost(loss), before));
    }
    desk.clock.advance(LENGTH + KEEP);
    let renewed = desk.lease.renew(&desk.store, &*desk.clock).await.unwrap();
    assert_eq!(renewed, Put::NotThere);
    assert_eq!(desk.entry().await, None, "and puts nothing where nothing is");
}

/// The store lost its data, and the owner's lease still holds by its own clock.
#[tokio::test]
async fn a_renewal_puts_its_record_again_while_its_lease_holds() {
    for (passed, put) in [(LENGTH / 2, Put::Overtaken), (LENGTH, Put::NotThere)] {
        let desk = Desk::new().await;
        desk.lease.set_end(desk.clock.steady() + LENGTH);
        desk.clock.advance(passed);
        let flushed = MemoryStore::with_clock(desk.clock.clone());
        assert_eq!(desk.lease.renew(&flushed, &*desk.clock).await.unwrap(), put);
        let there = flushed.read(&KEY).await.unwrap();
        let left = there.as_ref().map(|entry| entry.left);
        assert_eq!(left, put.is_ours().then_some(LENGTH + KEEP));
        // Others may have had the key meanwhile.
        let record = there.map(|entry| Record::decode(&KEY, &entry.value).unwrap());
        assert!(record.is_none_or(|record| record.origin.taken_over));
    }
}

/// The effect has happened, so duplicates must find its outcome, however late it comes.
#[tokio::test]
async fn an_end_puts_its_record_if_the_store_has_none() {
    let desk = Desk::new().await;
    desk.clock.advance(LENGTH + KEEP);
    for end in [desk.lease.completed(&Seal::default(), Outcome::Tombstone), desk.lease.released()] {
        let flushed = MemoryStore::with_clock(desk.clock.clone());
        assert_eq!(desk.lease.exchange(&flushed, &end, KEEP).await.unwrap(), Put::There);
        assert_eq!(flushed.read(&KEY).await.unwrap(), Some(Entry { value: end, left: KEEP }));
    }
}

/// The first owner to come to a store without its data has the key.
#[tokio::test]
async fn an_owner_that_comes_second_to_a_flushed_store_has_lost_its_key() {
    let desk = Desk::new().await;
    desk.lease.set_end(desk.clock.steady() + LENGTH);
    let flushed = MemoryStore::with_clock(desk.clock.clone());
    let other = granted(&flushed, None).await;
    assert_eq!(other.attempt(), desk.lease.attempt());
    let before = flushed.read(&KEY).await.unwrap();
    let renewed = desk.lease.renew(&flushed, &*desk.clock).await.unwrap();
    let done = desk.lease.completed(&Seal::default(), Outcome::Tombstone);
    let completed = desk.lease.exchange(&flushed, &done, KEEP).await.unwrap();
    assert_eq!((renewed, completed), (Put::Lost(Loss::Taken), Put::Lost(Loss::Taken)));
    assert_eq!(flushed.read(&KEY).await.unwrap(), before);
}

#[tokio::test]
async fn a_completion_overtakes_a_renewal_that_is_under_way() {
    let desk = Desk::new().await;
    let slow = desk.slow();
    let mut renewal = pin!(desk.lease.renew(&slow, &*desk.clock));
    assert!(poll!(renewal.as_mut()).is_pending());
    let done = desk.lease.completed(&Seal::default(), Outcome::Tombstone);
    assert_eq!(desk.lease.exchange(&desk.store, &done, KEEP).await.unwrap(), Put::There);
    slow.road.add_permits(1);
    assert_eq!(renewal.await.unwrap(), Put::Lost(Loss::Ended));
    assert_eq!(desk.entry().await, Some(Entry { value: done, left: KEEP }));
}

#[tokio::test]
async fn a_renewal_that_overtakes_a_completion_does_not_stop_it() {
    let desk = Desk::new().await;
    let slow = desk.slow();
    let done = desk.lease.completed(&Seal::default(), Outcome::Tombstone);
    let mut completion = pin!(desk.lease.exchange(&slow, &done, KEEP));
    assert!(poll!(completion.as_mut()).is_pending());
    assert_eq!(desk.lease.renew(&desk.store, &*desk.clock).await.unwrap(), Put::There);
    slow.road.add_permits(1);
    assert_eq!(completion.await.unwrap(), Put::There);
    assert_eq!(desk.entry().await, Some(Entry { value: done.clone(), left: KEEP }));
}

/// A run that gave up has ended its lease. A renewal that was sent before must not bring it back.
#[tokio::test]
async fn a_renewal_that_arrives_late_does_not_bring_an_abandoned_lease_back() {
    let desk = Desk::new().await;
    let slow = desk.slow();
    let mut renewal = pin!(desk.lease.renew(&slow, &*desk.clock));
    assert!(poll!(renewal.as_mut()).is_pending());
    let abandoned = desk.lease.given_up();
    assert_eq!(desk.lease.exchange(&desk.store, &abandoned, KEEP).await.unwrap(), Put::There);
    slow.road.add_permits(1);
    drop(renewal.await);
    assert_eq!(desk.left().await, KEEP, "the lease is over");
}

/// Nor may a renewal that the heartbeat numbers after that, because it was a moment late.
#[tokio::test]
async fn after_a_lease_is_given_up_there_is_no_renewal() {
    let desk = Desk::new().await;
    let slow = desk.slow();
    let abandoned = desk.lease.given_up();
    let mut ending = pin!(desk.lease.exchange(&slow, &abandoned, KEEP));
    assert!(poll!(ending.as_mut()).is_pending());
    assert_eq!(desk.lease.renew(&desk.store, &*desk.clock).await.unwrap(), Put::NotThere);
    slow.road.add_permits(1);
    assert_eq!(ending.await.unwrap(), Put::There);
    assert_eq!(desk.lease.renew(&desk.store, &*desk.clock).await.unwrap(), Put::NotThere);
    assert_eq!(desk.left().await, KEEP, "the lease is over");
}
