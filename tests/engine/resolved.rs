//! An operator settles a key whose owner died.

use crate::{EngineFixture, KEY, LEASE, TICK, answer, refused};
use idempotent_runtime::engine::Admission;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Resolution, Resolved};
use idempotent_runtime::key::{ParseStorageKeyError, StorageKey};
use idempotent_runtime::policy::OnAbandoned;

/// A key whose owner died.
async fn abandoned() -> EngineFixture {
    let fixture = EngineFixture::new();
    drop(fixture.run().await);
    fixture.clock.advance(LEASE + TICK);
    let held = fixture.begin(OnAbandoned::Hold).await;
    assert_eq!(refused(&held), Refusal::OutcomeUnknown);
    fixture
}

#[tokio::test]
async fn a_key_resolved_as_not_done_runs_with_the_next_attempt() {
    let fixture = abandoned().await;
    let resolved = fixture.engine.resolve(&KEY, Resolution::NotDone).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    let Admission::Run(run) = fixture.begin(OnAbandoned::Hold).await else { panic!("it may run") };
    assert_eq!(run.attempt(), 2);
}

#[tokio::test]
async fn a_key_resolved_as_done_never_runs_again() {
    let fixture = abandoned().await;
    let resolved = fixture.engine.resolve(&KEY, Resolution::Done).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    let told = fixture.begin(OnAbandoned::Hold).await;
    assert_eq!(refused(&told), Refusal::NotReplayable);
}

#[tokio::test]
async fn a_run_under_way_and_one_that_ended_are_left_alone() {
    let fixture = EngineFixture::new();
    let resolve = async || fixture.engine.resolve(&KEY, Resolution::NotDone).await.unwrap();
    assert_eq!(resolve().await, Resolved::NotAbandoned, "unknown");
    let run = fixture.run().await;
    let before = fixture.entry().await;
    assert_eq!(resolve().await, Resolved::NotAbandoned, "under way");
    assert_eq!(fixture.entry().await, before);
    run.complete(answer("once"), crate::TTL).await;
    assert_eq!(resolve().await, Resolved::NotAbandoned, "ended");
    assert!(matches!(fixture.begin(OnAbandoned::Hold).await, Admission::Replay(_)));
}

#[tokio::test]
async fn a_dead_owner_that_comes_back_after_the_resolution_changes_nothing() {
    for resolution in [Resolution::Done, Resolution::NotDone] {
        let fixture = EngineFixture::new();
        let late = fixture.run().await;
        fixture.clock.advance(LEASE + TICK);
        let resolved = fixture.engine.resolve(&KEY, resolution).await.unwrap();
        assert_eq!(resolved, Resolved::Yes);
        let resolved = fixture.entry().await;
        assert!(resolved.is_some(), "it leaves a record, never nothing");
        late.complete(answer("late"), crate::TTL).await;
        assert_eq!(fixture.entry().await, resolved, "{resolution:?}");
        assert_eq!(fixture.engine.counts().lost, 1);
    }
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = StorageKey::from_bytes(std::array::from_fn(|place| u8::try_from(place * 8).unwrap()));
    assert_eq!(key.to_string().parse(), Ok(key));
    for wrong in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(wrong.parse::<StorageKey>(), Err(ParseStorageKeyError), "{wrong}");
    }
}
