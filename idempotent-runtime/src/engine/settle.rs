//! Asks again for the answer of a claim, if it was lost, and gives a claim back if nobody waits for its
//! answer any more.

use crate::clock::jittered;
use crate::engine::claim::{Claim, ClaimRecord, claim, claim_and_put};
use crate::engine::claimed::Claimed;
use crate::engine::claimer::Claimer;
use crate::engine::core::EngineCore;
use crate::engine::deadline::{within, within_by};
use crate::engine::execution::Ownership;
use crate::engine::heartbeat::caught;
use crate::engine::pause::pause_for;
use crate::engine::run_context::RunContext;
use crate::engine::succession::Succession;
use crate::error::StoreError;
use crate::store::record::State;
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The number of times that a claim is sent while the store does not answer, and the pause between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// The longest pause while a claim is given back, from [`PAUSE`] on; it doubles.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Sends a claim until its answer is known, or this time is over.
///
/// If the answer stays unknown, because this is dropped or the store does not answer, the key is given back
/// without making the caller wait: it may have been granted.
pub(super) async fn settle(
    what: &Claim,
    by: &Claimer,
    context: &RunContext,
    patience: Duration,
) -> Result<Claimed, StoreError> {
    let mut open = OpenClaim { claim: what, by, context, is_answered: false };
    let core = &*context.core;
    let is_answered = &mut open.is_answered;
    let asked = async move {
        match claim(core.store(), what, by).await {
            Err(error) if error.is_transient() => {
                let claimed = Box::pin(ask_again(core, what, by, error)).await;
                // A value that cannot be read is not ours. A store that refuses now may have granted an
                // earlier try.
                *is_answered = claimed.as_ref().map_or_else(StoreError::is_corrupt, |_| true);
                claimed
            }
            first => {
                *is_answered = true;
                first
            }
        }
    };
    within_by(core.store().longest_silence(), patience, "create", pin!(asked)).await
}

/// Asks again as the same owner, because the answer was lost. Whether the key was granted is never assumed.
async fn ask_again(
    core: &EngineCore,
    what: &Claim,
    by: &Claimer,
    mut lost: StoreError,
) -> Result<Claimed, StoreError> {
    for tries in 1..TRIES {
        pause_for(jittered(PAUSE * tries)).await;
        match claim(core.store(), what, by).await {
            Err(error) if error.is_transient() => lost = error,
            other => return other,
        }
    }
    Err(lost)
}

/// A claim that may have been granted without an answer.
struct OpenClaim<'a> {
    claim: &'a Claim,
    by: &'a Claimer,
    context: &'a RunContext,
    is_answered: bool,
}

impl Drop for OpenClaim<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let context = self.context.behind();
        let (core, claim, by) = (Arc::clone(&context.core), self.claim.clone(), *self.by);
        // While a store is away for long, more requests fail than can be kept here.
        let Ok(place) = Arc::clone(&core.unanswered).try_acquire_owned() else {
            return left_to_its_lease(&claim, None);
        };
        core.spawn(async move {
            give_back(&claim, &by, context).await;
            drop(place);
        });
    }
}

/// Gives a key back that may be ours, and tries for as long as our record would live.
///
/// It claims once more as the same owner, with a record that is already given back. That record excludes
/// nobody, and a first claim that is still on its way to the store meets it and changes nothing.
async fn give_back(what: &Claim, by: &Claimer, context: RunContext) {
    let core = Arc::clone(&context.core);
    let ends = core.clock().steady().saturating_add(what.life());
    let mut pause = PAUSE;
    loop {
        match claim_freed(what, by, &context).await {
            Ok(Claimed::Acquired(lease)) if lease.is_released() => {
                return core.rooms.changed(&what.key);
            }
            Ok(Claimed::Acquired(lease)) => {
                return context.run(lease, Ownership::Ending).release().await;
            }
            // The key never was ours, or another owner has it by now.
            Ok(_) => return,
            Err(error) if !error.is_corrupt() && core.clock().steady() < ends => {}
            Err(error) => return left_to_its_lease(what, Some(&error)),
        }
        pause_for(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One such claim, when its turn has come.
async fn claim_freed(
    what: &Claim,
    by: &Claimer,
    context: &RunContext,
) -> Result<Claimed, StoreError> {
    let core = &*context.core;
    // A store that comes back must not be overrun.
    let _turn = core.turns.acquire().await;
    let life = |history| context.reclaim.life(core.clock().wall(), what.lease, history);
    let freed = ClaimRecord {
        state: State::Issued,
        life: life(Succession::First),
        life_after_others: life(Succession::TakenOver),
    };
    let claimed = caught("create", claim_and_put(core.store(), what, by, &freed));
    within(core.tools.patience, "create", pin!(claimed)).await
}

fn left_to_its_lease(what: &Claim, error: Option<&StoreError>) {
    tracing::warn!(
        key = %what.key,
        error = error.map(|error| error as &dyn StdError),
        "a claim could not be given back; its key is freed when the lease expires",
    );
}
