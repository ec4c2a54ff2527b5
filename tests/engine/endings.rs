//! Invariant S3: an owner that lost its key changes nothing, however it ends.

use crate::{Desk, KEEP, LEASE, TTL, answer};
use idempotent_runtime::engine::{Completion, Execution};
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::store::record::State;

/// The ways a run ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Completes,
    LeavesATombstone,
    Releases,
    Abandons,
    Dies,
}

const ENDINGS: [Ending; 5] =
    [Ending::Completes, Ending::LeavesATombstone, Ending::Releases, Ending::Abandons, Ending::Dies];

impl Ending {
    /// Ends a run that is no longer the owner; whether that was noticed.
    async fn late(self, run: Execution) {
        match self {
            Self::Completes => assert_eq!(run.complete(answer("late"), TTL).await, Completion::No),
            Self::LeavesATombstone => {
                assert_eq!(run.complete(Outcome::Tombstone, TTL).await, Completion::No);
            }
            Self::Releases => run.release().await,
            Self::Abandons => run.abandon().await,
            Self::Dies => drop(run),
        }
    }

    const fn is_counted(self) -> bool {
        !matches!(self, Self::Dies)
    }
}

/// A run that slept through its lease, and the one that has the key now.
async fn overtaken(desk: &Desk) -> (Execution, Execution) {
    let stale = desk.run().await;
    desk.clock.advance(LEASE);
    let owner = desk.run().await;
    assert_eq!((stale.attempt(), owner.attempt()), (1, 2));
    (stale, owner)
}

/// Ends the stale run every way, and sees that not a byte and not a millisecond changed.
async fn changes_nothing(prepare: impl AsyncFn(&Desk) -> (Execution, Option<Execution>)) {
    for ending in ENDINGS {
        let desk = Desk::new();
        let (stale, owner) = prepare(&desk).await;
        let before = desk.entry().await;
        ending.late(stale).await;
        assert_eq!(desk.entry().await, before, "{ending:?}");
        assert_eq!(desk.engine.counts().lost, u64::from(ending.is_counted()), "{ending:?}");
        if let Some(owner) = owner {
            assert_eq!(owner.complete(answer("the owner's"), TTL).await, Completion::Yes);
        }
    }
}

#[tokio::test]
async fn while_another_runs_a_stale_owner_changes_nothing() {
    changes_nothing(async |desk| {
        let (stale, owner) = overtaken(desk).await;
        (stale, Some(owner))
    })
    .await;
}

#[tokio::test]
async fn after_another_finished_a_stale_owner_changes_nothing() {
    changes_nothing(async |desk| {
        let (stale, owner) = overtaken(desk).await;
        owner.complete(answer("the owner's"), TTL).await;
        (stale, None)
    })
    .await;
}

#[tokio::test]
async fn after_another_gave_the_key_back_a_stale_owner_changes_nothing() {
    changes_nothing(async |desk| {
        let (stale, owner) = overtaken(desk).await;
        owner.release().await;
        (stale, None)
    })
    .await;
}

#[tokio::test]
async fn after_another_died_a_stale_owner_changes_nothing() {
    changes_nothing(async |desk| {
        let (stale, owner) = overtaken(desk).await;
        drop(owner);
        desk.clock.advance(LEASE);
        (stale, None)
    })
    .await;
}

#[tokio::test]
async fn once_the_record_is_gone_a_stale_owner_puts_none() {
    changes_nothing(async |desk| {
        let stale = desk.run().await;
        desk.clock.advance(LEASE + KEEP);
        assert_eq!(desk.entry().await, None);
        (stale, None)
    })
    .await;
}

/// Attempts start anew with a new record: the owner is compared, not the number.
#[tokio::test]
async fn a_stale_owner_of_the_same_attempt_changes_nothing() {
    changes_nothing(async |desk| {
        let stale = desk.run().await;
        desk.clock.advance(LEASE + KEEP);
        let owner = desk.run().await;
        assert_eq!(stale.attempt(), owner.attempt());
        (stale, Some(owner))
    })
    .await;
}

/// The lease alone excludes nobody: while nobody took the key over, its late owner still has it.
#[tokio::test]
async fn an_owner_that_is_late_and_was_not_overtaken_stores_its_outcome() {
    let desk = Desk::new();
    let late = desk.run().await;
    desk.clock.advance(LEASE + KEEP / 2);
    assert_eq!(late.complete(answer("late"), TTL).await, Completion::Yes);
    assert_eq!(desk.state().await, State::Completed(answer("late")));
}
