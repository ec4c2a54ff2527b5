//! Invariant S5 for locks that the store forgot: their fences go on growing.

use crate::{KEEP, LEASE, TTL, ask, engine, wanted};
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::{Clock, ManualClock};
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, Engine, IfForgotten, Refusal,
};
use idempotent_runtime::policy::OnAbandoned;
use std::sync::Arc;
use std::time::Duration;

async fn lock(engine: &Engine) -> Admission {
    let claim =
        Claim { claimable: Claimable::InOrder, if_forgotten: IfForgotten::Lost, ..wanted() };
    engine.begin(&ClaimRequest { claim, ..ask(OnAbandoned::Retry) }).await.unwrap()
}

/// Takes the lock, releases it, and returns its fence.
async fn fence(engine: &Engine) -> u64 {
    let Admission::Run(run) = lock(engine).await else { panic!("it is free") };
    let fence = run.attempt();
    run.release().await;
    fence
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_gives_no_smaller_fence() {
    let clock = Arc::new(ManualClock::new());
    let engine = engine(MemoryStore::with_clock(clock.clone()), clock.clone());
    let morning = clock.wall();
    clock.advance(Duration::from_secs(1));
    let first = fence(&engine).await;
    clock.advance(TTL);
    clock.set_wall(morning);
    let second = fence(&engine).await;
    assert!(second > first, "{second} after {first}");
    clock.advance(TTL);
    let third = fence(&engine).await;
    assert_eq!(u128::from(third), clock.wall().as_millis(), "the wall clock is ahead again");
}

#[tokio::test]
async fn a_clock_behind_the_last_holders_gives_no_smaller_fence_to_who_met_it() {
    let (ahead, behind) = (Arc::new(ManualClock::new()), Arc::new(ManualClock::new()));
    let store_clock = Arc::new(ManualClock::new());
    let store = MemoryStore::with_clock(store_clock.clone());
    ahead.advance(Duration::from_mins(1));
    let (here, elsewhere) = (engine(store.clone(), behind), engine(store, ahead));
    let Admission::Run(holder) = lock(&elsewhere).await else { panic!("it is free") };
    let busy = lock(&here).await;
    assert!(matches!(busy, Admission::Refused(Refusal::InProgress { .. })), "{busy:?}");
    store_clock.advance(LEASE + KEEP);
    let next = fence(&here).await;
    assert!(next > holder.attempt(), "{next} after {}", holder.attempt());
}
