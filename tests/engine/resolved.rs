//! What a person says of a key that its dead owner held.

use crate::{Desk, KEY, LEASE, TICK, answer, refused};
use idempotent_runtime::engine::Admission;
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Resolution, Resolved};
use idempotent_runtime::key::{ParseStorageKeyError, StorageKey};
use idempotent_runtime::policy::OnAbandoned;

/// A key whose owner died.
async fn abandoned() -> Desk {
    let desk = Desk::new();
    drop(desk.run().await);
    desk.clock.advance(LEASE + TICK);
    let held = desk.begin(OnAbandoned::Hold).await;
    assert_eq!(refused(&held), Refusal::OutcomeUnknown);
    desk
}

#[tokio::test]
async fn what_did_not_happen_runs_with_the_next_attempt() {
    let desk = abandoned().await;
    let resolved = desk.engine.resolve(&KEY, Resolution::NotDone).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    let Admission::Run(run) = desk.begin(OnAbandoned::Hold).await else { panic!("it may run") };
    assert_eq!(run.attempt(), 2);
}

#[tokio::test]
async fn what_happened_never_runs_again() {
    let desk = abandoned().await;
    let resolved = desk.engine.resolve(&KEY, Resolution::Done).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    let told = desk.begin(OnAbandoned::Hold).await;
    assert_eq!(refused(&told), Refusal::NotReplayable);
}

#[tokio::test]
async fn a_run_under_way_and_one_that_ended_are_left_alone() {
    let desk = Desk::new();
    let resolve = async || desk.engine.resolve(&KEY, Resolution::NotDone).await.unwrap();
    assert_eq!(resolve().await, Resolved::NotAbandoned, "unknown");
    let run = desk.run().await;
    let before = desk.entry().await;
    assert_eq!(resolve().await, Resolved::NotAbandoned, "under way");
    assert_eq!(desk.entry().await, before);
    run.complete(answer("once"), crate::TTL).await;
    assert_eq!(resolve().await, Resolved::NotAbandoned, "ended");
    assert!(matches!(desk.begin(OnAbandoned::Hold).await, Admission::Replay(_)));
}

#[tokio::test]
async fn a_dead_owner_that_comes_back_after_the_resolution_changes_nothing() {
    let desk = Desk::new();
    let late = desk.run().await;
    desk.clock.advance(LEASE + TICK);
    let resolved = desk.engine.resolve(&KEY, Resolution::Done).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    let resolved = desk.entry().await;
    late.complete(answer("late"), crate::TTL).await;
    assert_eq!(desk.entry().await, resolved);
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = StorageKey::from_bytes(std::array::from_fn(|place| u8::try_from(place * 8).unwrap()));
    assert_eq!(key.to_string().parse(), Ok(key));
    for wrong in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(wrong.parse::<StorageKey>(), Err(ParseStorageKeyError), "{wrong}");
    }
}
