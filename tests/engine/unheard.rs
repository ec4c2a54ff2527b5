//! Claims whose answer never came: their requests are refused or gone, and their keys become free.

use crate::{KEEP, KEY, LEASE, PATIENCE, TICK, TTL, ask, engine, label, wanted};
use futures_util::future::join_all;
use futures_util::poll;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, Engine, Execution, OnDrainTimeout, ReclaimWindow,
};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::{Record, State};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tests::{Probe, eventually};
use tokio::time::Instant;

/// A store whose answers get lost, and two processes on it.
struct Silent {
    clock: Arc<ManualClock>,
    store: Probe,
    here: Engine,
    elsewhere: Engine,
}

impl Silent {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new());
        let memory = MemoryStore::with_clock(clock.clone());
        let store = Probe::new(memory.clone());
        let here = engine(store.clone(), clock.clone());
        Self { here, elsewhere: engine(memory, clock.clone()), clock, store }
    }

    /// The claim arrives and is granted, and from then on the store does not answer.
    async fn arrive_unheard(&self, request: &ClaimRequest) {
        self.store.answers_to_claims().close();
        let refused = tokio::join!(self.here.begin(request), async {
            self.store.answers_to_claims().reached().await;
            self.store.set_down(true);
        });
        refused.0.expect_err("the store is gone");
        assert_eq!(self.here.under_way(), 1, "what it claimed is to be given back");
    }

    /// The same, and waits until the request is refused.
    async fn give_up(&self, request: &ClaimRequest) {
        self.arrive_unheard(request).await;
        self.store.set_down(false);
    }

    /// Waits until every claim is given back.
    async fn settled(&self) {
        let settled = async || (self.here.under_way() == 0).then_some(());
        eventually("it is given back", settled).await;
    }

    async fn state(&self) -> Option<(u64, State, Duration)> {
        let entry = self.elsewhere.store().read(&KEY).await.unwrap()?;
        let Record { attempt, state, .. } = Record::decode(&KEY, &entry.value).unwrap();
        Some((attempt, state, entry.left))
    }

    async fn runs(&self, request: &ClaimRequest) -> Execution {
        match self.elsewhere.begin(request).await.unwrap() {
            Admission::Run(run) => run,
            other => panic!("its key is not free: {other:?}"),
        }
    }
}

/// Invariant L9.
#[tokio::test(start_paused = true)]
async fn a_request_waits_for_its_claim_no_longer_than_the_stores_patience() {
    let silent = Silent::new();
    silent.store.answers_to_claims().close();
    let began = Instant::now();
    silent.here.begin(&ask(OnAbandoned::Retry)).await.expect_err("the store does not answer");
    assert!(began.elapsed() <= PATIENCE + TICK, "{:?}", began.elapsed());
}

/// The same for a takeover, which asks the store twice.
#[tokio::test(start_paused = true)]
async fn a_request_that_takes_over_waits_no_longer_than_the_stores_patience() {
    let silent = Silent::new();
    drop(silent.runs(&ask(OnAbandoned::Retry)).await);
    silent.clock.advance(LEASE + TICK);
    silent.store.answers_to_claims().close();
    silent.store.exchanges().close();
    let request = ask(OnAbandoned::Retry);
    let (refused, waited) = tokio::join!(silent.here.begin(&request), async {
        silent.store.answers_to_claims().reached().await;
        silent.clock.advance(PATIENCE.saturating_sub(TICK));
        silent.store.answers_to_claims().open();
        silent.store.exchanges().reached().await;
        Instant::now()
    });
    refused.expect_err("the store does not answer");
    assert!(waited.elapsed() <= TICK * 2, "{:?}", waited.elapsed());
}

fn asked(on_abandoned: OnAbandoned, claimable: Claimable) -> ClaimRequest {
    ClaimRequest { claim: Claim { claimable, ..wanted() }, ..ask(on_abandoned) }
}

/// This holds with `"hold"`, too: the request did not run.
#[tokio::test]
async fn a_claim_that_was_granted_unheard_is_given_back_behind_its_refusal() {
    for on_abandoned in [OnAbandoned::Retry, OnAbandoned::Hold] {
        let (silent, request) = (Silent::new(), asked(on_abandoned, Claimable::Any));
        silent.give_up(&request).await;
        silent.settled().await;
        assert_eq!(silent.state().await, Some((1, State::Issued, TTL)));
        assert_eq!(silent.runs(&request).await.attempt(), 2);
    }
}

/// The record outlives its lease, and would wait for a person.
#[tokio::test]
async fn a_claim_is_given_back_also_by_a_store_that_is_away_for_longer_than_its_lease() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Hold, Claimable::Any));
    silent.arrive_unheard(&request).await;
    silent.clock.advance(LEASE + TICK);
    let before = silent.store.claims();
    let tried = async || (silent.store.claims() >= before + 2).then_some(());
    eventually("it is tried again", tried).await;
    silent.store.set_down(false);
    silent.settled().await;
    assert_eq!(silent.state().await, Some((1, State::Issued, TTL)));
    assert_eq!(silent.runs(&request).await.attempt(), 2);
}

/// The refusal of the second claim does not say whether the first one was granted.
#[tokio::test]
async fn a_claim_whose_repetition_is_refused_is_given_back() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Hold, Claimable::Issued));
    silent.here.issue(&KEY, &label(), TTL).await.unwrap();
    silent.store.lose_next_answer();
    silent.store.exchanges().close();
    let refused = tokio::join!(silent.here.begin(&request), async {
        silent.store.exchanges().reached().await;
        silent.store.refuse_swaps(true);
        silent.store.exchanges().open();
    });
    refused.0.expect_err("the store refuses");
    silent.store.refuse_swaps(false);
    silent.settled().await;
    assert_eq!(silent.state().await, Some((1, State::Issued, TTL)));
}

/// A store that is down for long costs only the memory of these claims.
#[tokio::test]
async fn the_claims_that_are_kept_to_be_given_back_are_bounded() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Retry, Claimable::Any));
    silent.store.set_down(true);
    let refused = join_all((0..5000).map(|_| silent.here.begin(&request))).await;
    assert!(refused.iter().all(Result::is_err), "the store is gone");
    assert_eq!(silent.here.under_way(), 4096);
    silent.store.set_down(false);
    silent.settled().await;
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_claim_is_answered_leaves_its_key_free() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Retry, Claimable::Any));
    silent.store.answers_to_claims().close();
    {
        let mut begun = pin!(silent.here.begin(&request));
        assert!(poll!(&mut begun).is_pending());
        silent.store.answers_to_claims().reached().await;
    }
    silent.settled().await;
    assert_eq!(silent.runs(&request).await.attempt(), 2);
}

/// The claim may still arrive. So a record is put that it will find.
#[tokio::test]
async fn a_claim_that_did_not_arrive_is_not_granted_later() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Retry, Claimable::Any));
    silent.store.set_down(true);
    silent.here.begin(&request).await.expect_err("the store is gone");
    silent.store.set_down(false);
    silent.settled().await;
    assert_eq!(silent.state().await, Some((1, State::Issued, TTL)));
    let late = request.claim.key;
    let there = silent.elsewhere.store().create(&late, &"late".into(), KEEP).await.unwrap();
    assert!(there.is_some(), "a late claim finds it");
    assert_eq!(silent.runs(&request).await.attempt(), 2);
}

#[tokio::test]
async fn a_token_is_given_back_for_what_was_left_of_its_life_and_none_is_made() {
    let mut request = asked(OnAbandoned::Retry, Claimable::Issued);
    let silent = Silent::new();
    let end = idempotent_runtime::clock::Clock::wall(&*silent.clock) + LEASE;
    request.reclaim = ReclaimWindow::Until(end);
    silent.store.set_down(true);
    silent.here.begin(&request).await.expect_err("the store is gone");
    silent.store.set_down(false);
    silent.settled().await;
    assert_eq!(silent.state().await, None, "nobody issued it");

    silent.here.issue(&KEY, &label(), LEASE).await.unwrap();
    silent.clock.advance(LEASE / 2);
    silent.store.set_down(true);
    silent.here.begin(&request).await.expect_err("the store is gone");
    silent.store.set_down(false);
    silent.settled().await;
    assert_eq!(silent.state().await, Some((1, State::Issued, LEASE / 2)));
    assert_eq!(silent.runs(&request).await.attempt(), 2);
}

/// A record of another run is left alone.
#[tokio::test]
async fn a_key_that_another_has_by_then_is_left_to_it() {
    let (silent, request) = (Silent::new(), asked(OnAbandoned::Retry, Claimable::Any));
    silent.store.set_down(true);
    silent.here.begin(&request).await.expect_err("the store is gone");
    let other = silent.runs(&request).await;
    let before = silent.state().await;
    silent.store.set_down(false);
    silent.settled().await;
    assert_eq!(silent.state().await, before);
    assert_eq!(silent.here.drain(Duration::ZERO, OnDrainTimeout::Leased).await, 0);
    drop(other);
}
