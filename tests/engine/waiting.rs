//! Waiting for a run of another process.

use crate::{EngineFixture, TTL, answer, ask, engine, patient};
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, Completion, Engine};
use idempotent_runtime::policy::OnAbandoned;
use std::sync::Arc;
use std::time::Duration;
use tests::Probe;

/// It would learn nothing, and with it nobody in its room.
#[tokio::test]
async fn a_waiter_whose_read_is_not_answered_asks_again() {
    let fixture = EngineFixture::new();
    let store = Probe::new(fixture.store.clone());
    let reads = store.answers_to_reads().clone();
    reads.close();
    let clock = Arc::new(ManualClock::new());
    let here = Engine::new(Arc::new(store), clock, Duration::from_millis(50));
    let elsewhere = engine(fixture.store.clone(), fixture.clock.clone());
    let first = match elsewhere.begin(&ask(OnAbandoned::Retry)).await.unwrap() {
        Admission::Run(run) => run,
        other => panic!("no run: {other:?}"),
    };
    let asked = patient();
    let (begun, stored) = tokio::join!(here.begin(&asked), async {
        // The first read is the claim's. The second is made for all in the room, and stays without an answer.
        reads.reached().await;
        reads.close();
        reads.open();
        reads.reached().await;
        first.complete(answer("the first's"), TTL).await
    });
    assert_eq!(stored, Completion::Yes);
    let begun = begun.unwrap();
    assert!(matches!(begun, Admission::Replay(_)), "{begun:?}");
}
