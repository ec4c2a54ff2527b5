//! Several runs that want the key of one dead owner, and races that no run wins.

use crate::{
    EngineFixture, KEY, LEASE, PATIENCE, TTL, answer, ask, engine, granted, refused, somebody,
    wanted,
};
use bytes::Bytes;
use futures_util::future::join_all;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::{Clock, ManualClock};
use idempotent_runtime::engine::Admission;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Claimable, Claimed, Claimer, claim};
use idempotent_runtime::key::{Fingerprint, StorageKey};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::{Origin, Record, State};
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;

/// A store in memory where exchanges meet at a barrier, so that all of them have seen the same record.
#[derive(Debug)]
struct BarrierStore {
    store: MemoryStore,
    swaps: Barrier,
}

impl Store for BarrierStore {
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
            self.swaps.wait().await;
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

/// Invariants S1 and S5.
#[tokio::test]
async fn of_two_that_take_over_one_dead_owner_one_gets_the_key() {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    fixture.clock.advance(LEASE);
    let meeting = BarrierStore { store: fixture.store.clone(), swaps: Barrier::new(2) };
    let takers = [(); 2].map(|()| Claimer { take_over: Some(1), ..somebody() });
    let wanted = wanted();
    let claims = takers.iter().map(|by| claim(&meeting, &wanted, by));
    let mut told = join_all(claims).await;
    told.sort_by_key(|claimed| !matches!(claimed, Ok(Claimed::Acquired(_))));
    assert_eq!(granted(told[0].as_ref().unwrap()), 2);
    let Ok(Claimed::InProgress { retry_after, .. }) = told[1] else { panic!("{told:?}") };
    assert_eq!(retry_after, LEASE, "of the new owner");
}

/// The same with two engines, as in two processes.
#[tokio::test]
async fn of_two_processes_that_meet_a_dead_owner_one_runs() {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    fixture.clock.advance(LEASE);
    let meeting = Arc::new(BarrierStore { store: fixture.store.clone(), swaps: Barrier::new(2) });
    let processes = [(); 2].map(|()| engine(meeting.clone(), fixture.clock.clone()));
    let ask = ask(OnAbandoned::Retry);
    let begun = join_all(processes.iter().map(|engine| engine.begin(&ask))).await;
    let (runs, others): (Vec<_>, Vec<_>) =
        begun.into_iter().map(Result::unwrap).partition(|begun| matches!(begun, Admission::Run(_)));
    assert_eq!((runs.len(), others.len()), (1, 1));
    let counted: u64 = processes.iter().map(|engine| engine.counts().taken_over).sum();
    assert_eq!(counted, 1, "both wanted to take over, and one did");
    assert_eq!(refused(&others[0]), Refusal::InProgress { retry_after: LEASE });
}

#[tokio::test]
async fn a_living_owner_is_not_taken_over() {
    let fixture = EngineFixture::new();
    let _run = fixture.run().await;
    let before = fixture.entry().await;
    let taker = Claimer { take_over: Some(1), ..somebody() };
    let claimed = fixture.claim(Claimable::Any, &taker).await;
    assert!(matches!(claimed, Claimed::InProgress { .. }), "{claimed:?}");
    assert_eq!(fixture.entry().await, before);
}

#[tokio::test]
async fn a_takeover_is_of_the_attempt_that_was_seen_dead_and_of_no_later_one() {
    let fixture = EngineFixture::new();
    for _ in 0..2 {
        drop(fixture.run().await);
        fixture.clock.advance(LEASE);
    }
    let late = Claimer { take_over: Some(1), ..somebody() };
    let claimed = fixture.claim(Claimable::Any, &late).await;
    assert!(matches!(claimed, Claimed::Abandoned { attempt: 2, .. }), "{claimed:?}");
}

/// The first owner may still wake up, even if the key was given back several times since.
#[tokio::test]
async fn a_record_says_when_it_was_claimed_and_whether_it_was_ever_taken_over() {
    let fixture = EngineFixture::new();
    let origin = async || {
        let entry = fixture.entry().await.expect("a record");
        Record::decode(&KEY, &entry.value).expect("a record").origin
    };
    let now = || Duration::from_millis(fixture.clock.wall().as_millis().try_into().unwrap());
    let first = fixture.run().await;
    let claimed = Origin { claimed_at: now(), ..Origin::default() };
    assert_eq!(origin().await, claimed);
    fixture.clock.advance(LEASE / 2);
    first.release().await;
    assert_eq!(origin().await, claimed, "given back");
    drop(fixture.run().await);
    assert_eq!(origin().await, Origin { claimed_at: now(), ..claimed }, "claimed again");
    fixture.clock.advance(LEASE);
    fixture.run().await.release().await;
    let taken_over = Origin { claimed_at: now(), taken_over: true, ..claimed };
    assert_eq!(origin().await, taken_over, "taken over");
    fixture.clock.advance(LEASE);
    fixture.run().await.complete(answer("done"), TTL).await;
    assert_eq!(origin().await, Origin { claimed_at: now(), ..taken_over }, "at its end");
}

/// A key that others claim and give back between any two steps of this claim.
#[derive(Debug)]
pub(crate) struct ContendedStore;

fn given_back() -> Bytes {
    let (fingerprint, state) = (Fingerprint::from_bytes([1; 16]), State::Issued);
    Record { attempt: 1, origin: Origin::default(), fingerprint, label: crate::label(), state }
        .encode(&KEY)
}

impl Store for ContendedStore {
    fn create<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(async { Ok(Some(given_back())) })
    }

    fn swap<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Swap> {
        StoreFuture::new(async { Ok(Swap::Differs(Some(given_back()))) })
    }

    fn read<'a>(&'a self, _: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(async { Ok(Some(Entry::new(given_back(), LEASE))) })
    }

    fn purge(&self, _: u32) -> StoreFuture<'_, u32> {
        StoreFuture::new(async { Ok(0) })
    }

    fn describe(&self) -> String {
        "contended".to_owned()
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn browse<'a>(&'a self, _: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        None
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn adopt(&self, _: &StoreSettings) {}
}

/// A request that loses every race is told to come later, and not that its key was used for another request.
#[tokio::test]
async fn a_key_that_others_always_get_first_is_busy() {
    let engine = engine(ContendedStore, Arc::new(ManualClock::new()));
    let begun = engine.begin(&ask(OnAbandoned::Retry)).await.unwrap();
    let Refusal::InProgress { retry_after } = refused(&begun) else { panic!("{begun:?}") };
    assert!(retry_after < PATIENCE, "soon");
}
