//! Invariant L1: what is in progress leaves that state with its lease, by the store's clock.

use crate::{Desk, KEEP, LEASE, TICK, TTL, answer, ask, engine, refused, somebody};
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Admission, ReclaimWindow};
use idempotent_runtime::engine::{Claimable, Claimed};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::State;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_lease_holds_to_its_last_millisecond_and_not_longer() {
    let desk = Desk::new();
    drop(desk.run().await);
    let mut left = LEASE;
    for step in [Duration::ZERO, LEASE / 2, (LEASE / 2).saturating_sub(TICK)] {
        desk.clock.advance(step);
        left -= step;
        let begun = desk.begin(OnAbandoned::Retry).await;
        assert_eq!(refused(&begun), Refusal::InProgress { retry_after: left });
    }
    desk.clock.advance(TICK);
    assert_eq!(desk.run().await.attempt(), 2);
    assert_eq!(desk.engine.counts().taken_over, 1);
}

/// The host that asks may be hours ahead of the server that keeps the records, or behind it.
#[tokio::test]
async fn a_lease_ends_by_the_clock_of_the_store_alone() {
    let desk = Desk::new();
    let ahead = Arc::new(ManualClock::new());
    let elsewhere = engine(desk.store.clone(), ahead.clone());
    drop(desk.run().await);
    ahead.advance(LEASE * 100);
    let begun = elsewhere.begin(&ask(OnAbandoned::Retry)).await.unwrap();
    assert_eq!(refused(&begun), Refusal::InProgress { retry_after: LEASE });

    let desk = Desk::new();
    let standing = engine(desk.store.clone(), Arc::new(ManualClock::new()));
    drop(desk.run().await);
    desk.clock.advance(LEASE);
    let begun = standing.begin(&ask(OnAbandoned::Retry)).await.unwrap();
    assert!(matches!(begun, Admission::Run(_)), "{begun:?}");
}

#[tokio::test]
async fn a_claim_says_whose_death_it_found() {
    let desk = Desk::new();
    drop(desk.run().await);
    desk.clock.advance(LEASE);
    for _ in 0..2 {
        let claimed = desk.claim(Claimable::Any, &somebody()).await;
        assert!(matches!(claimed, Claimed::Abandoned { attempt: 1, .. }), "{claimed:?}");
    }
}

#[tokio::test]
async fn a_held_key_stays_unknown_until_its_record_ends() {
    let desk = Desk::new();
    drop(desk.run().await);
    desk.clock.advance(LEASE);
    for step in [Duration::ZERO, KEEP / 2, (KEEP / 2).saturating_sub(TICK)] {
        desk.clock.advance(step);
        let begun = desk.begin(OnAbandoned::Hold).await;
        assert_eq!(refused(&begun), Refusal::OutcomeUnknown);
    }
    desk.clock.advance(TICK);
    let begun = desk.begin(OnAbandoned::Hold).await;
    assert!(matches!(begun, Admission::Run(_)), "{begun:?}");
}

/// Invariant L3: an end without an outcome never waits for the lease.
#[tokio::test]
async fn a_run_that_gives_up_ends_its_lease_at_once() {
    let desk = Desk::new();
    desk.run().await.abandon().await;
    assert_eq!(refused(&desk.begin(OnAbandoned::Hold).await), Refusal::OutcomeUnknown);
    assert_eq!(desk.run().await.attempt(), 2);
    assert!(matches!(desk.state().await, State::InProgress { .. }));

    let desk = Desk::new();
    desk.run().await.release().await;
    assert_eq!(desk.state().await, State::Issued);
    assert!(matches!(desk.begin(OnAbandoned::Hold).await, Admission::Run(_)));
}

#[tokio::test]
async fn an_outcome_lasts_its_ttl_from_the_end_of_the_run() {
    let desk = Desk::new();
    let run = desk.run().await;
    desk.clock.advance(LEASE / 2);
    run.complete(answer("first"), TTL).await;
    assert_eq!(desk.entry().await.unwrap().left, TTL);
    desk.clock.advance(TTL.saturating_sub(TICK));
    let Admission::Replay(stored) = desk.begin(OnAbandoned::Retry).await else {
        panic!("no replay")
    };
    assert_eq!(*stored, answer("first"));
    desk.clock.advance(TICK);
    assert_eq!(desk.run().await.attempt(), 1, "a new record");
}

#[tokio::test]
async fn a_key_given_back_stays_as_long_as_it_was_asked_to() {
    use idempotent_runtime::clock::Clock;
    let desk = Desk::new();
    let (for_a_while, end) = (Duration::from_secs(7), desk.clock.wall() + LEASE);
    for (reclaim, left) in [
        (ReclaimWindow::For(for_a_while), for_a_while),
        (ReclaimWindow::Until(end), LEASE),
        (ReclaimWindow::For(TTL), TTL),
    ] {
        let ask = crate::ClaimRequest { reclaim, ..ask(OnAbandoned::Retry) };
        let Admission::Run(run) = desk.engine.begin(&ask).await.unwrap() else { panic!("no run") };
        run.release().await;
        assert_eq!(desk.entry().await.unwrap().left, left, "{reclaim:?}");
    }
}
