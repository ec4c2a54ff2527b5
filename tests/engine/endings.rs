//! Invariant S3: an owner that lost its key changes nothing, in whichever way its run ends.

use crate::{EngineFixture, KEEP, LEASE, TTL, answer};
use idempotent_runtime::engine::{Completion, Execution, LeaseStatus};
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
    /// Ends a run that is no longer the owner; returns whether it noticed that.
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

/// A run that was suspended past its lease, and the run that has the key now.
async fn overtaken(fixture: &EngineFixture) -> (Execution, Execution) {
    let stale = fixture.run().await;
    fixture.clock.advance(LEASE);
    let owner = fixture.run().await;
    assert_eq!((stale.attempt(), owner.attempt()), (1, 2));
    (stale, owner)
}

/// Ends the stale run in every way, and checks that no byte and no millisecond of the record changed.
async fn changes_nothing(prepare: impl AsyncFn(&EngineFixture) -> (Execution, Option<Execution>)) {
    for ending in ENDINGS {
        let fixture = EngineFixture::new();
        let (stale, owner) = prepare(&fixture).await;
        let before = fixture.entry().await;
        ending.late(stale).await;
        assert_eq!(fixture.entry().await, before, "{ending:?}");
        assert_eq!(fixture.engine.counts().lost, u64::from(ending.is_counted()), "{ending:?}");
        if let Some(owner) = owner {
            assert_eq!(owner.complete(answer("the owner's"), TTL).await, Completion::Yes);
        }
    }
}

#[tokio::test]
async fn while_another_runs_a_stale_owner_changes_nothing() {
    changes_nothing(async |fixture| {
        let (stale, owner) = overtaken(fixture).await;
        (stale, Some(owner))
    })
    .await;
}

#[tokio::test]
async fn after_another_finished_a_stale_owner_changes_nothing() {
    changes_nothing(async |fixture| {
        let (stale, owner) = overtaken(fixture).await;
        owner.complete(answer("the owner's"), TTL).await;
        (stale, None)
    })
    .await;
}

#[tokio::test]
async fn after_another_gave_the_key_back_a_stale_owner_changes_nothing() {
    changes_nothing(async |fixture| {
        let (stale, owner) = overtaken(fixture).await;
        owner.release().await;
        (stale, None)
    })
    .await;
}

#[tokio::test]
async fn after_another_died_a_stale_owner_changes_nothing() {
    changes_nothing(async |fixture| {
        let (stale, owner) = overtaken(fixture).await;
        drop(owner);
        fixture.clock.advance(LEASE);
        (stale, None)
    })
    .await;
}

/// No other run has the key, and the effect happened: a retry must find the outcome.
#[tokio::test]
async fn once_the_record_is_gone_an_owner_leaves_its_end_behind_and_no_renewal() {
    for ending in ENDINGS {
        let fixture = EngineFixture::new();
        let late = fixture.run().await;
        fixture.clock.advance(LEASE + KEEP);
        assert_eq!(late.renew().await.unwrap(), LeaseStatus::Lost);
        assert_eq!(fixture.entry().await, None);
        let stored = match ending {
            Ending::Completes => Some(late.complete(answer("late"), TTL).await),
            Ending::LeavesATombstone => Some(late.complete(Outcome::Tombstone, TTL).await),
            other => {
                other.late(late).await;
                None
            }
        };
        let left = fixture.entry().await.map(|entry| entry.left);
        let (state, life) = match ending {
            Ending::Completes => (State::Completed(answer("late")), TTL),
            Ending::LeavesATombstone => (State::Completed(Outcome::Tombstone), TTL),
            Ending::Releases => (State::Issued, TTL),
            Ending::Abandons => (fixture.state().await, KEEP),
            Ending::Dies => {
                assert_eq!(left, None);
                continue;
            }
        };
        assert_eq!((fixture.state().await, left), (state, Some(life)), "{ending:?}");
        assert!(stored.is_none_or(|stored| stored == Completion::Yes), "{ending:?}");
        assert_eq!(fixture.engine.counts().lost, 0, "{ending:?}");
    }
}

/// The attempts of a new record start again, so the owner is compared, and not the attempt.
#[tokio::test]
async fn a_stale_owner_of_the_same_attempt_changes_nothing() {
    changes_nothing(async |fixture| {
        let stale = fixture.run().await;
        fixture.clock.advance(LEASE + KEEP);
        let owner = fixture.run().await;
        assert_eq!(stale.attempt(), owner.attempt());
        (stale, Some(owner))
    })
    .await;
}

/// The end of a lease alone takes no key away: until another run takes it over, its late owner still has it.
#[tokio::test]
async fn an_owner_that_is_late_and_was_not_overtaken_stores_its_outcome() {
    let fixture = EngineFixture::new();
    let late = fixture.run().await;
    fixture.clock.advance(LEASE + KEEP / 2);
    assert_eq!(late.complete(answer("late"), TTL).await, Completion::Yes);
    assert_eq!(fixture.state().await, State::Completed(answer("late")));
}
