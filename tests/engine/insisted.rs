//! S17: an outcome is sent again until it is stored, even if no caller waits any more and the store refuses.

use crate::{KEEP, KEY, LEASE, TICK, TTL, answer, ask, engine};
use futures_util::poll;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, Completion, Engine, Execution, OnDrainTimeout};
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::{Record, State};
use idempotent_runtime::store::{Entry, Store};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tests::{Probe, eventually};

/// A store that can be broken, and a run on it.
struct Broken {
    clock: Arc<ManualClock>,
    store: Probe,
    engine: Engine,
}

impl Broken {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new());
        let store = Probe::new(MemoryStore::with_clock(clock.clone()));
        let engine = engine(store.clone(), clock.clone());
        Self { clock, store, engine }
    }

    async fn run(&self) -> Execution {
        match self.engine.begin(&ask(OnAbandoned::Retry)).await.unwrap() {
            Admission::Run(run) => run,
            other => panic!("no run: {other:?}"),
        }
    }

    /// Waits until the last run has ended, and returns the state of its record.
    async fn left(&self) -> (State, Duration) {
        assert_eq!(self.engine.drain(Duration::from_mins(1), OnDrainTimeout::Leased).await, 0);
        let Entry { value, left, .. } = self.store.read(&KEY).await.unwrap().unwrap();
        (Record::decode(&KEY, &value).unwrap().state, left)
    }
}

#[tokio::test]
async fn an_end_that_is_dropped_while_it_is_sent_goes_on() {
    for completes in [true, false] {
        let broken = Broken::new();
        let run = broken.run().await;
        broken.store.exchanges().close();
        let ending = async {
            if completes {
                run.complete(answer("done"), TTL).await;
            } else {
                run.release().await;
            }
        };
        {
            let mut ending = pin!(ending);
            assert!(poll!(&mut ending).is_pending());
        }
        assert_eq!(broken.engine.under_way(), 1, "it has not ended");
        broken.store.exchanges().open();
        let state = if completes { State::Completed(answer("done")) } else { State::Issued };
        assert_eq!(broken.left().await, (state, TTL));
    }
}

#[tokio::test]
async fn an_end_goes_on_after_panics_of_the_store() {
    let broken = Broken::new();
    let run = broken.run().await;
    broken.store.panic_at_swaps(3);
    assert_eq!(run.complete(answer("done"), TTL).await, Completion::Yes);
    assert_eq!(broken.left().await, (State::Completed(answer("done")), TTL));
}

/// This happens at the end of a server of actix-web: its workers drop the requests that are left.
#[test]
fn an_end_goes_on_when_the_runtime_of_its_run_is_gone() {
    let broken = Broken::new();
    let worker = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    worker.block_on(async {
        let run = broken.run().await;
        broken.store.refuse_swaps(true);
        tokio::spawn(run.complete(answer("done"), TTL));
        let refused = async || (broken.store.swaps_refused() > 0).then_some(());
        eventually("it is refused", refused).await;
    });
    drop(worker);
    broken.store.refuse_swaps(false);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let left = other.block_on(broken.left());
    assert_eq!(left, (State::Completed(answer("done")), TTL));
}

/// The store renews its lease and refuses the outcome: no retry may wait for ever.
#[tokio::test]
async fn an_outcome_that_is_refused_for_a_third_of_its_lease_leaves_a_tombstone() {
    let broken = Broken::new();
    let run = broken.run().await;
    broken.store.refuse_outcomes(true);
    let ending = tokio::spawn(run.complete(answer("done"), TTL));
    let refused = |many| {
        let store = broken.store.clone();
        let since = store.swaps_refused();
        async move {
            let refused = async || (store.swaps_refused() >= since + many).then_some(());
            eventually("it is refused", refused).await;
        }
    };
    // The first refusal does not count, because no renewal succeeded before it.
    refused(4).await;
    broken.clock.advance((LEASE / 3).saturating_sub(TICK));
    refused(2).await;
    assert_eq!(broken.engine.under_way(), 1, "a third is not over");
    broken.clock.advance(TICK);
    assert_eq!(broken.left().await.0, State::Completed(Outcome::Tombstone));
    assert_eq!(ending.await.unwrap(), Completion::No);
    assert_eq!(broken.engine.counts().not_stored, 1);
}

/// If a store refuses everything, its refusal says nothing about this outcome.
#[tokio::test]
async fn an_outcome_that_a_store_refuses_like_everything_else_is_kept_for_it() {
    let broken = Broken::new();
    let run = broken.run().await;
    broken.store.refuse_swaps(true);
    let ending = tokio::spawn(run.complete(answer("done"), TTL));
    for _ in 0..2 {
        let since = broken.store.swaps_refused();
        let refused = async || (broken.store.swaps_refused() >= since + 6).then_some(());
        eventually("it is refused", refused).await;
        broken.clock.advance(LEASE / 2);
    }
    assert_eq!(ending.await.unwrap(), Completion::No, "it is told so while the store refuses");
    broken.store.refuse_swaps(false);
    // Its ttl counts from the end of the run. The end of its lease does not matter, since no run took the key.
    assert_eq!(broken.left().await, (State::Completed(answer("done")), TTL.saturating_sub(LEASE)));
}

#[tokio::test]
async fn an_outcome_is_insisted_on_for_as_long_as_it_would_be_kept() {
    let broken = Broken::new();
    let run = broken.run().await;
    broken.store.set_down(true);
    let ending = tokio::spawn(run.complete(answer("done"), TTL));
    broken.clock.advance(TTL.saturating_sub(Duration::from_millis(1)));
    assert_eq!(ending.await.unwrap(), Completion::No, "nobody waits for so long");
    assert_eq!(broken.engine.under_way(), 1);
    broken.clock.advance(Duration::from_millis(1));
    assert_eq!(broken.engine.drain(Duration::from_mins(1), OnDrainTimeout::Leased).await, 0);
    assert_eq!(broken.engine.counts().not_stored, 1);
    assert!(KEEP < TTL, "the record was gone long before");
}
