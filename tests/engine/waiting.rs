//! Waiting for a run of another process.

use crate::{EngineFixture, LEASE, TTL, answer, ask, engine, patient};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::poll;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, ClaimRequest, Completion, Engine, Execution, Refusal};
use idempotent_runtime::key::{Fingerprint, StorageKey};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::Probe;
use tokio::time::Instant;

/// Otherwise neither this request nor the others that wait with it would get an answer.
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
        // The first read belongs to the claim. The second one is for all that wait, and gets no answer.
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

/// A store in memory that counts its operations.
#[derive(Clone, Debug)]
struct CountingStore {
    store: MemoryStore,
    asked: Arc<AtomicUsize>,
}

impl CountingStore {
    fn of(fixture: &EngineFixture) -> Self {
        Self { store: fixture.store.clone(), asked: Arc::default() }
    }

    /// The number of operations since the last call.
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl Store for CountingStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        StoreFuture::new(async move {
            // Other requests come while the claim is under way.
            tokio::task::yield_now().await;
            self.store.create(key, value, life).await
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.store.swap(key, expected, value, life)
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
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

const MANY: usize = 10_000;

/// The run of a key that nobody had before.
async fn first_run(engine: &Engine, asked: &ClaimRequest) -> Execution {
    match engine.begin(asked).await {
        Ok(Admission::Run(run)) => run,
        other => panic!("it is the first: {other:?}"),
    }
}

/// Lets all of them come, and waits until they wait.
async fn all_wait(here: &Engine) {
    while here.under_way() < MANY {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
}

/// The operations are: two claims of the first request, one claim of those that came meanwhile, the outcome of the
/// run, and the claim that reads it.
#[tokio::test]
async fn of_ten_thousand_at_once_one_runs_and_the_store_is_asked_a_few_times() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let asked = patient();
    let runs = AtomicUsize::new(0);
    let crowd = join_all((0..MANY).map(|_| async {
        match here.begin(&asked).await {
            Ok(Admission::Run(run)) => {
                all_wait(&here).await;
                runs.fetch_add(1, Ordering::SeqCst);
                assert_eq!(run.complete(answer("the first's"), TTL).await, Completion::Yes);
            }
            Ok(Admission::Replay(outcome)) => assert_eq!(*outcome, answer("the first's")),
            other => panic!("{other:?}"),
        }
    }));
    crowd.await;
    let times = store.asked();
    assert!(times <= 20, "{times}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

/// They join without the store, and its end is told without it, however long it takes.
#[tokio::test(start_paused = true)]
async fn while_a_run_of_this_process_is_waited_for_nobody_asks_the_store() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let asked = patient();
    let run = first_run(&here, &asked).await;
    store.asked();
    let crowd = join_all((0..MANY).map(|_| here.begin(&asked)));
    let (begun, ()) = tokio::join!(crowd, async {
        all_wait(&here).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(store.asked(), 0);
        assert_eq!(run.complete(answer("the first's"), TTL).await, Completion::Yes);
    });
    assert!(begun.iter().all(|begun| matches!(begun, Ok(Admission::Replay(_)))));
    // Its outcome, and the claim that finds it.
    assert_eq!(store.asked(), 2);
}

/// Nor do they ask when their time is up: it would be a storm.
#[tokio::test(start_paused = true)]
async fn who_is_tired_of_waiting_for_a_run_of_this_process_asks_nobody() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let asked = ClaimRequest { wait: Duration::from_secs(1), ..patient() };
    let run = first_run(&here, &asked).await;
    store.asked();
    for begun in join_all((0..MANY).map(|_| here.begin(&asked))).await {
        let Ok(Admission::Refused(Refusal::InProgress { retry_after })) = begun else {
            panic!("{begun:?}");
        };
        assert_eq!(retry_after, LEASE);
    }
    assert_eq!(store.asked(), 0);
    assert_eq!(run.complete(answer("the first's"), TTL).await, Completion::Yes);
}

/// A run that is dropped tells nobody else.
#[tokio::test(start_paused = true)]
async fn a_run_of_this_process_that_is_dropped_leaves_those_who_wait_to_the_store() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let asked = patient();
    let run = first_run(&here, &asked).await;
    store.asked();
    let next = tokio::join!(here.begin(&asked), async {
        tokio::task::yield_now().await;
        drop(run);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(store.asked() > 2, "somebody looks");
        fixture.clock.advance(LEASE);
    });
    assert!(matches!(next.0, Ok(Admission::Run(_))), "{:?}", next.0);
}

/// They need not wait for the look that sees it.
#[tokio::test(start_paused = true)]
async fn a_run_of_this_process_that_lost_its_key_tells_those_who_wait_at_its_end() {
    let fixture = EngineFixture::new();
    let here = engine(fixture.store.clone(), fixture.clock.clone());
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let asked = patient();
    let crowd = join_all((0..MANY).map(|_| async {
        match here.begin(&asked).await.unwrap() {
            Admission::Run(run) => {
                all_wait(&here).await;
                fixture.clock.advance(LEASE);
                let Ok(Admission::Run(other)) = elsewhere.begin(&ask(OnAbandoned::Retry)).await
                else {
                    panic!("the lease is over");
                };
                assert_eq!(other.complete(answer("the other's"), TTL).await, Completion::Yes);
                assert_eq!(run.complete(answer("the first's"), TTL).await, Completion::No);
            }
            Admission::Replay(outcome) => assert_eq!(*outcome, answer("the other's")),
            other @ Admission::Refused(_) => panic!("{other:?}"),
        }
    }));
    let began = Instant::now();
    crowd.await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// The look that finds the outcome is enough.
#[tokio::test(start_paused = true)]
async fn an_outcome_that_one_saw_is_told_to_all_without_a_claim() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = first_run(&elsewhere, &ask(OnAbandoned::Retry)).await;
    let asked = patient();
    let crowd = join_all((0..MANY).map(|_| here.begin(&asked)));
    let (begun, ()) = tokio::join!(crowd, async {
        all_wait(&here).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(first.complete(answer("the first's"), TTL).await, Completion::Yes);
        store.asked();
    });
    assert!(begun.iter().all(|begun| matches!(begun, Ok(Admission::Replay(_)))));
    assert_eq!(store.asked(), 1);
}

/// One request reads now and then, and there is one claim at the end.
#[tokio::test]
async fn of_ten_thousand_who_wait_for_another_process_one_asks() {
    let fixture = EngineFixture::new();
    let store = CountingStore::of(&fixture);
    let here = engine(store.clone(), fixture.clock.clone());
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = first_run(&elsewhere, &ask(OnAbandoned::Retry)).await;
    let asked = patient();
    let crowd = join_all((0..MANY).map(|_| here.begin(&asked)));
    let (begun, ()) = tokio::join!(crowd, async {
        all_wait(&here).await;
        assert_eq!(first.complete(answer("the first's"), TTL).await, Completion::Yes);
    });
    for begun in begun {
        assert!(matches!(begun, Ok(Admission::Replay(_))), "{begun:?}");
    }
    let times = store.asked();
    assert!(times <= 20, "{times}");
}

/// S6: a request with another body is refused, even if many wait.
#[tokio::test]
async fn in_a_crowd_another_request_is_a_reuse_of_the_key() {
    let fixture = EngineFixture::new();
    let here = engine(fixture.store.clone(), fixture.clock.clone());
    let asked = patient();
    let first = first_run(&here, &asked).await;
    let mut other = patient();
    other.claim.fingerprint = Fingerprint::from_bytes([9; 16]);
    let crowd = join_all((0..50).map(|_| here.begin(&asked)));
    let (begun, reused) = tokio::join!(crowd, async {
        while here.under_way() < 51 {
            tokio::task::yield_now().await;
        }
        let reused = join_all((0..50).map(|_| here.begin(&other))).await;
        assert_eq!(first.complete(answer("the first's"), TTL).await, Completion::Yes);
        reused
    });
    let is_reuse = |begun| matches!(begun, Ok(Admission::Refused(Refusal::KeyReused)));
    assert!(begun.iter().all(|begun| matches!(begun, Ok(Admission::Replay(_)))));
    assert!(reused.into_iter().all(is_reuse));
    let later = here.begin(&other).await;
    assert!(matches!(later, Ok(Admission::Refused(Refusal::KeyReused))), "{later:?}");
}

/// The request that asks for all leaves before its answer comes.
#[tokio::test]
async fn if_the_request_that_asks_for_all_leaves_another_one_asks() {
    let fixture = EngineFixture::new();
    let store = Probe::new(fixture.store.clone());
    let claims = store.answers_to_claims().clone();
    let here = engine(store.clone(), fixture.clock.clone());
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = first_run(&elsewhere, &ask(OnAbandoned::Retry)).await;
    assert_eq!(first.complete(answer("the first's"), TTL).await, Completion::Yes);
    let asked = patient();
    claims.close();
    let mut leaves = Box::pin(here.begin(&asked));
    tokio::select! {
        begun = &mut leaves => panic!("{begun:?}"),
        () = claims.reached() => {}
    }
    let mut others = join_all((0..50).map(|_| here.begin(&asked)));
    assert!(poll!(&mut others).is_pending(), "they wait for its answer");
    assert_eq!(store.claims(), 1);
    drop(leaves);
    claims.open();
    let others = others.await;
    for begun in others {
        assert!(matches!(begun, Ok(Admission::Replay(_))), "{begun:?}");
    }
    assert!(store.claims() <= 4, "{}", store.claims());
}

/// S8: no request goes on waiting for a store that is down.
#[tokio::test]
async fn a_store_that_fails_fails_all_who_came_before_it_was_asked() {
    let fixture = EngineFixture::new();
    let store = Probe::new(fixture.store.clone());
    store.set_down(true);
    let here = engine(store.clone(), fixture.clock.clone());
    let asked = patient();
    for begun in join_all((0..200).map(|_| here.begin(&asked))).await {
        assert!(begun.is_err(), "{begun:?}");
    }
    store.set_down(false);
    let Ok(Admission::Run(run)) = here.begin(&asked).await else { panic!("the store is back") };
    assert_eq!(run.complete(answer("the first's"), TTL).await, Completion::Yes);
}
