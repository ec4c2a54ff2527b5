//! Invariant L1: a record is in progress no longer than its lease, by the store's clock.

use crate::{EngineFixture, KEEP, KEY, LEASE, TICK, TTL, answer, ask, engine, refused, somebody};
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Admission, LeaseStatus, ReclaimWindow, Resolution, Resolved};
use idempotent_runtime::engine::{Claimable, Claimed};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::State;
use idempotent_runtime::store::{Store, Swap};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_lease_holds_to_its_last_millisecond_and_not_longer() {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    let mut left = LEASE;
    for step in [Duration::ZERO, LEASE / 2, (LEASE / 2).saturating_sub(TICK)] {
        fixture.clock.advance(step);
        left -= step;
        let begun = fixture.begin(OnAbandoned::Retry).await;
        assert_eq!(refused(&begun), Refusal::InProgress { retry_after: left });
    }
    fixture.clock.advance(TICK);
    assert_eq!(fixture.run().await.attempt(), 2);
    assert_eq!(fixture.engine.counts().taken_over, 1);
}

/// The clock of the host that asks may be hours ahead of the store's clock, or behind it.
#[tokio::test]
async fn a_lease_ends_by_the_clock_of_the_store_alone() {
    let fixture = EngineFixture::new();
    let ahead = Arc::new(ManualClock::new());
    let elsewhere = engine(fixture.store.clone(), ahead.clone());
    drop(fixture.run().await);
    ahead.advance(LEASE * 100);
    let begun = elsewhere.begin(&ask(OnAbandoned::Retry)).await.unwrap();
    assert_eq!(refused(&begun), Refusal::InProgress { retry_after: LEASE });

    let fixture = EngineFixture::new();
    let standing = engine(fixture.store.clone(), Arc::new(ManualClock::new()));
    drop(fixture.run().await);
    fixture.clock.advance(LEASE);
    let begun = standing.begin(&ask(OnAbandoned::Retry)).await.unwrap();
    assert!(matches!(begun, Admission::Run(_)), "{begun:?}");
}

#[tokio::test]
async fn a_claim_says_whose_death_it_found() {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    fixture.clock.advance(LEASE);
    for _ in 0..2 {
        let claimed = fixture.claim(Claimable::Any, &somebody()).await;
        assert!(matches!(claimed, Claimed::Abandoned { attempt: 1, .. }), "{claimed:?}");
    }
}

#[tokio::test]
async fn a_held_key_stays_unknown_until_its_record_ends() {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    fixture.clock.advance(LEASE);
    for step in [Duration::ZERO, KEEP / 2, (KEEP / 2).saturating_sub(TICK)] {
        fixture.clock.advance(step);
        let begun = fixture.begin(OnAbandoned::Hold).await;
        assert_eq!(refused(&begun), Refusal::OutcomeUnknown);
    }
    fixture.clock.advance(TICK);
    let begun = fixture.begin(OnAbandoned::Hold).await;
    assert!(matches!(begun, Admission::Run(_)), "{begun:?}");
}

/// Invariant L3: an end without an outcome never waits for the lease.
#[tokio::test]
async fn a_run_that_gives_up_ends_its_lease_at_once() {
    let fixture = EngineFixture::new();
    fixture.run().await.abandon().await;
    assert_eq!(refused(&fixture.begin(OnAbandoned::Hold).await), Refusal::OutcomeUnknown);
    assert_eq!(fixture.run().await.attempt(), 2);
    assert!(matches!(fixture.state().await, State::InProgress { .. }));

    let fixture = EngineFixture::new();
    fixture.run().await.release().await;
    assert_eq!(fixture.state().await, State::Issued);
    assert!(matches!(fixture.begin(OnAbandoned::Hold).await, Admission::Run(_)));
}

#[tokio::test]
async fn an_outcome_lasts_its_ttl_from_the_end_of_the_run() {
    let fixture = EngineFixture::new();
    let run = fixture.run().await;
    fixture.clock.advance(LEASE / 2);
    run.complete(answer("first"), TTL).await;
    assert_eq!(fixture.entry().await.unwrap().left, TTL);
    fixture.clock.advance(TTL.saturating_sub(TICK));
    let Admission::Replay(stored) = fixture.begin(OnAbandoned::Retry).await else {
        panic!("no replay")
    };
    assert_eq!(*stored, answer("first"));
    fixture.clock.advance(TICK);
    assert_eq!(fixture.run().await.attempt(), 1, "a new record");
}

#[tokio::test]
async fn a_key_given_back_stays_as_long_as_it_was_asked_to() {
    use idempotent_runtime::clock::Clock;
    let fixture = EngineFixture::new();
    let (for_a_while, end) = (Duration::from_secs(7), fixture.clock.wall() + LEASE);
    for (reclaim, left) in [
        (ReclaimWindow::For(for_a_while), for_a_while),
        (ReclaimWindow::Until(end), LEASE),
        (ReclaimWindow::For(TTL), TTL),
    ] {
        let ask = crate::ClaimRequest { reclaim, ..ask(OnAbandoned::Retry) };
        let Admission::Run(run) = fixture.engine.begin(&ask).await.unwrap() else {
            panic!("no run")
        };
        run.release().await;
        assert_eq!(fixture.entry().await.unwrap().left, left, "{reclaim:?}");
    }
}

/// A flood of refused requests leaves only short-lived records.
#[tokio::test]
async fn a_key_that_only_its_own_run_had_is_remembered_briefly() {
    let day = Duration::from_hours(24);
    let (brief, long_lease) = (Duration::from_mins(5), Duration::from_mins(7));
    for (lease, most, left) in
        [(TICK * 100, day, brief), (long_lease, day, long_lease), (LEASE, brief / 2, brief / 2)]
    {
        let fixture = EngineFixture::new();
        let mut ask = ask(OnAbandoned::Retry);
        (ask.claim.lease, ask.reclaim) = (lease, ReclaimWindow::Briefly(most));
        for attempt in 1..3 {
            let Admission::Run(run) = fixture.engine.begin(&ask).await.unwrap() else {
                panic!("no run")
            };
            assert_eq!(run.attempt(), attempt);
            run.release().await;
            assert_eq!(fixture.entry().await.unwrap().left, left);
        }
    }
}

/// Its first owner may still wake up, and must find a larger attempt.
#[tokio::test]
async fn a_key_that_others_had_is_remembered_for_its_ttl() {
    let day = Duration::from_hours(24);
    let ask =
        crate::ClaimRequest { reclaim: ReclaimWindow::Briefly(day), ..ask(OnAbandoned::Retry) };
    for case in ["taken over", "resolved", "forgotten"] {
        let fixture = EngineFixture::new();
        let begin = async || match fixture.engine.begin(&ask).await.unwrap() {
            Admission::Run(run) => run,
            other => panic!("no run: {other:?}"),
        };
        let first = begin().await;
        if case == "forgotten" {
            let value = fixture.entry().await.expect("its record").value;
            let forgotten = fixture.store.swap(&KEY, &value, &value, Duration::ZERO).await;
            assert_eq!(forgotten.unwrap(), Swap::Done);
            assert_eq!(first.renew().await.unwrap(), LeaseStatus::Held);
            assert_eq!(first.renew().await.unwrap(), LeaseStatus::Held);
            first.release().await;
            assert_eq!(fixture.entry().await.unwrap().left, day, "{case}");
            begin().await.release().await;
        } else {
            drop(first);
            fixture.clock.advance(LEASE);
            if case == "resolved" {
                let resolved = fixture.engine.resolve(&KEY, Resolution::NotDone).await.unwrap();
                assert_eq!(resolved, Resolved::Yes);
            }
            for attempt in 2..4 {
                let run = begin().await;
                assert_eq!(run.attempt(), attempt, "{case}");
                run.release().await;
            }
        }
        assert_eq!(fixture.entry().await.unwrap().left, day, "{case}");
    }
}
