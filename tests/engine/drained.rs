//! Runs that outlast the drain of their process.

use crate::{EngineFixture, TTL, answer, ask, engine, patient, refused};
use futures_util::poll;
use idempotent_runtime::engine::OnDrainTimeout;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Admission, Completion};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::record::State;
use std::pin::pin;
use std::time::Duration;

/// The answer that another process gets for the key of a run that outlasted a drain.
async fn elsewhere(on_drain_timeout: OnDrainTimeout, on_abandoned: OnAbandoned) -> Admission {
    let fixture = EngineFixture::new();
    let run = fixture.run().await;
    assert_eq!(fixture.engine.drain(Duration::ZERO, on_drain_timeout).await, 1);
    let begun =
        engine(fixture.store.clone(), fixture.clock.clone()).begin(&ask(on_abandoned)).await;
    drop(run);
    begun.unwrap()
}

#[tokio::test]
async fn a_run_that_outlasts_a_drain_keeps_its_key_for_its_lease() {
    let begun = elsewhere(OnDrainTimeout::Leased, OnAbandoned::Retry).await;
    assert!(matches!(refused(&begun), Refusal::InProgress { .. }), "{begun:?}");
}

#[tokio::test]
async fn a_key_that_a_drain_gave_back_runs_again_at_once_or_is_held() {
    let Admission::Run(run) = elsewhere(OnDrainTimeout::Abandoned, OnAbandoned::Retry).await else {
        panic!("its key was let go")
    };
    assert_eq!(run.attempt(), 2);
    let held = elsewhere(OnDrainTimeout::Abandoned, OnAbandoned::Hold).await;
    assert_eq!(refused(&held), Refusal::OutcomeUnknown);
}

#[tokio::test]
async fn a_run_that_was_let_go_and_ends_after_all_is_stored_unless_another_has_its_key() {
    for taken in [false, true] {
        let fixture = EngineFixture::new();
        let run = fixture.run().await;
        fixture.engine.drain(Duration::ZERO, OnDrainTimeout::Abandoned).await;
        let other = engine(fixture.store.clone(), fixture.clock.clone());
        let successor =
            if taken { Some(other.begin(&ask(OnAbandoned::Retry)).await.unwrap()) } else { None };
        let stored = run.complete(answer("late"), TTL).await;
        assert_eq!(stored, if taken { Completion::No } else { Completion::Yes });
        drop(successor);
    }
}

/// A request that waits has not begun. If it ran, the process could not end.
#[tokio::test]
async fn a_request_that_waits_when_a_drain_begins_does_not_run() {
    let fixture = EngineFixture::new();
    let first = fixture.run().await;
    let asked = patient();
    let mut waiting = pin!(fixture.engine.begin(&asked));
    assert!(poll!(&mut waiting).is_pending());
    assert_eq!(fixture.engine.drain(Duration::ZERO, OnDrainTimeout::Leased).await, 2);
    first.release().await;
    assert_eq!(refused(&waiting.await.unwrap()), Refusal::Draining);
    assert_eq!(fixture.state().await, State::Issued, "a request to another process runs");
}

/// A request that waits still gets the outcome.
#[tokio::test]
async fn a_request_that_waits_when_a_drain_begins_gets_the_outcome() {
    let fixture = EngineFixture::new();
    let first = fixture.run().await;
    let asked = patient();
    let mut waiting = pin!(fixture.engine.begin(&asked));
    assert!(poll!(&mut waiting).is_pending());
    fixture.engine.drain(Duration::ZERO, OnDrainTimeout::Leased).await;
    first.complete(answer("the first's"), TTL).await;
    let begun = waiting.await.unwrap();
    assert!(matches!(begun, Admission::Replay(_)), "{begun:?}");
}
