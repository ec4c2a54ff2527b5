//! Invariants S9 and S5: the same owner gets the same lease, and attempts only grow.

use crate::{EngineFixture, KEY, LEASE, TTL, answer, ask, granted, label, refused, somebody};
use idempotent_runtime::engine::Refusal;
use idempotent_runtime::engine::{Admission, Completion};
use idempotent_runtime::engine::{Claimable, Claimed, Claimer};
use idempotent_runtime::key::Fingerprint;
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::policy::OnAbandoned;
use std::time::Duration;

/// Sends one claim twice, as after a lost answer, and returns its attempt.
async fn sent_twice(fixture: &EngineFixture, claimable: Claimable, by: &Claimer) -> u64 {
    let first = granted(&fixture.claim(claimable, by).await);
    let entry = fixture.entry().await;
    assert_eq!(granted(&fixture.claim(claimable, by).await), first);
    assert_eq!(fixture.entry().await, entry, "the second changes nothing");
    first
}

/// Invariant S9.
#[tokio::test]
async fn a_claim_sent_again_gets_the_same_lease_and_attempt() {
    let fixture = EngineFixture::new();
    assert_eq!(sent_twice(&fixture, Claimable::Any, &somebody()).await, 1);
    let other = fixture.claim(Claimable::Any, &somebody()).await;
    assert!(matches!(other, Claimed::InProgress { .. }), "{other:?}");
}

/// Invariant S9.
#[tokio::test]
async fn the_use_of_a_token_sent_again_gets_the_same_lease_and_attempt() {
    let fixture = EngineFixture::new();
    fixture.engine.issue(&KEY, &label(), TTL).await.unwrap();
    assert_eq!(sent_twice(&fixture, Claimable::Issued, &somebody()).await, 1);
    let other = fixture.claim(Claimable::Issued, &somebody()).await;
    assert!(matches!(other, Claimed::InProgress { .. }), "{other:?}");
}

/// Invariant S9.
#[tokio::test]
async fn a_takeover_sent_again_gets_the_same_lease_and_attempt() {
    let fixture = EngineFixture::new();
    fixture.claim(Claimable::Any, &somebody()).await;
    fixture.clock.advance(LEASE);
    let by = Claimer { take_over: Some(1), ..somebody() };
    assert_eq!(sent_twice(&fixture, Claimable::Any, &by).await, 2);
}

/// Invariant S9: an owner that was overtaken is no longer the same owner.
#[tokio::test]
async fn a_claim_sent_again_after_a_takeover_is_not_granted() {
    let fixture = EngineFixture::new();
    let first = somebody();
    fixture.claim(Claimable::Any, &first).await;
    fixture.clock.advance(LEASE);
    fixture.claim(Claimable::Any, &Claimer { take_over: Some(1), ..somebody() }).await;
    let again = fixture.claim(Claimable::Any, &first).await;
    assert!(matches!(again, Claimed::InProgress { .. }), "{again:?}");
}

/// Invariant S5.
#[tokio::test]
async fn attempts_grow_over_release_abandonment_and_takeover() {
    let fixture = EngineFixture::new();
    let mut attempts = Vec::new();
    for ending in 0..9 {
        let run = fixture.run().await;
        attempts.push(run.attempt());
        match ending % 3 {
            0 => run.release().await,
            1 => run.abandon().await,
            _ => {
                // This run never ends, as if its process had died.
                drop(run);
                fixture.clock.advance(LEASE);
            }
        }
    }
    let run = fixture.run().await;
    attempts.push(run.attempt());
    assert_eq!(attempts, (1..=10).collect::<Vec<_>>());
    assert_eq!(run.complete(answer("tenth"), TTL).await, Completion::Yes);
    assert!(matches!(fixture.begin(OnAbandoned::Retry).await, Admission::Replay(_)));
}

/// Invariant S5, for tokens.
#[tokio::test]
async fn attempts_of_a_token_grow_when_it_is_given_back() {
    let fixture = EngineFixture::new();
    fixture.engine.issue(&KEY, &label(), TTL).await.unwrap();
    let mut by_token = ask(OnAbandoned::Retry);
    by_token.claim.claimable = Claimable::Issued;
    for attempt in 1..=3 {
        let Admission::Run(run) = fixture.engine.begin(&by_token).await.unwrap() else {
            panic!("attempt {attempt} is not let in")
        };
        assert_eq!(run.attempt(), attempt);
        run.release().await;
    }
}

/// Invariant S6, in every state that a first request leaves behind while it counts.
#[tokio::test]
async fn another_request_is_refused_in_flight_after_a_death_and_after_the_end() {
    let fixture = EngineFixture::new();
    let mut other = ask(OnAbandoned::Retry);
    other.claim.fingerprint = Fingerprint::from_bytes([2; 16]);
    let told = async || refused(&fixture.engine.begin(&other).await.unwrap());
    let run = fixture.run().await;
    assert_eq!(told().await, Refusal::KeyReused, "in flight");
    drop(run);
    fixture.clock.advance(LEASE);
    let entry = fixture.entry().await;
    assert_eq!(told().await, Refusal::KeyReused, "after a death");
    assert_eq!(fixture.entry().await, entry, "a stranger takes nothing over");
    for outcome in [answer("first"), Outcome::Tombstone] {
        let fixture = EngineFixture::new();
        fixture.run().await.complete(outcome, Duration::MAX).await;
        let begun = fixture.engine.begin(&other).await.unwrap();
        assert_eq!(refused(&begun), Refusal::KeyReused, "after the end");
    }
}
