//! Claims a key until the result is known, for one request alone or for all that wait for the key in this process.

use crate::engine::admission::Admission;
use crate::engine::claim::Claimable;
use crate::engine::claim_request::ClaimRequest;
use crate::engine::claimed::Claimed;
use crate::engine::claimer::Claimer;
use crate::engine::core::EngineCore;
use crate::engine::decide::{Decision, Refusal, decide};
use crate::engine::detached::Detached;
use crate::engine::execution::{Execution, Ownership};
use crate::engine::lease::Lease;
use crate::engine::question::Question;
use crate::engine::remembered::Remembering;
use crate::engine::run_context::RunContext;
use crate::engine::seat::RunnerSeat;
use crate::engine::settle::settle;
use crate::engine::told::{tell_take_over, tell_wait};
use crate::engine::wait::{Turn, WaiterSlot};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::policy::OnInFlight;
use std::sync::Arc;
use std::time::Duration;

/// Claims until the key is ours or the answer is known. If others of this process ask for the key
/// already, waits until one of them knows the answer.
pub(super) async fn contend(
    request: &ClaimRequest,
    context: RunContext,
    asked: Duration,
    mut sent: Duration,
) -> Result<Admission, StoreError> {
    let core = Arc::clone(&context.core);
    let ClaimRequest { claim, rules, wait, .. } = request;
    let mut by = Claimer::new(core.first_attempt(claim.claimable), core.clock().wall());
    let may_wait = rules.on_in_flight == OnInFlight::Wait;
    let slot = may_wait.then(|| core.rooms.enter(claim.key, claim.request())).flatten();
    let mut has_waited = false;
    loop {
        let turn =
            next_turn(&core, &claim.key, slot.as_ref(), asked + *wait, &mut has_waited).await;
        let (question, seen) = match turn {
            Turn::Ask(question) => (Some(question), None),
            Turn::Saw(question, outcome) => (Some(question), Some(outcome)),
            Turn::Alone => (None, None),
            Turn::Told(answer) => match told(&core, &answer, request)? {
                Some(admission) => return Ok(admission),
                None => (None, None),
            },
            Turn::TimedOut(retry_after) => {
                return Ok(Admission::Refused(Refusal::InProgress { retry_after }));
            }
        };
        let is_alone = question.is_none();
        let _turn = if has_waited && is_alone { core.rooms.turn_alone().await } else { None };
        if has_waited && seen.is_none() {
            sent = core.clock().steady();
        }
        match ask(request, &mut by, &context, (question, seen), &mut sent).await? {
            Decision::Run(lease) => {
                if by.take_over.is_some_and(|dead| lease.attempt() == dead + 1) {
                    core.counters().taken_over.count();
                    tell_take_over(&claim.key, lease.attempt());
                }
                let slot = slot.as_ref().filter(|_| !is_alone);
                let runner = slot.map(|slot| Box::new(RunnerSeat::beside(slot, &core)));
                let context = RunContext { _seat: runner, ..context };
                let run = start(&core, lease, context, sent + claim.lease);
                // This request waited from before the drain, and its run has not begun.
                if has_waited && core.in_flight.is_closed() {
                    Detached::to_its_end(run.release()).await;
                    return Ok(Admission::Refused(Refusal::Draining));
                }
                return Ok(Admission::Run(run));
            }
            Decision::Replay(outcome) => return Ok(Admission::Replay(outcome)),
            Decision::Refuse(refusal) => return Ok(Admission::Refused(refusal)),
            // The waiting room is full, or this request's time to wait is over.
            Decision::Wait(retry_after) if is_alone => {
                return Ok(Admission::Refused(Refusal::InProgress { retry_after }));
            }
            Decision::Wait(_) | Decision::TakeOver(_) => {}
        }
    }
}

/// Waits until this moment for the turn of a request, if others have it.
async fn next_turn<'a>(
    core: &EngineCore,
    key: &StorageKey,
    slot: Option<&'a WaiterSlot<'_>>,
    until: Duration,
    has_waited: &mut bool,
) -> Turn<'a> {
    let Some(slot) = slot else { return Turn::Alone };
    if let Some(turn) = slot.turn() {
        return turn;
    }
    if !*has_waited {
        core.counters().waited.count();
        tell_wait(key);
    }
    *has_waited = true;
    let left = until.saturating_sub(core.clock().steady());
    // Waiting is rare, and its future is large.
    Box::pin(slot.wait(core.store(), core.tools.patience, left)).await
}

/// Claims once; claims once more if the key can be taken from a dead owner. Tells the result to the others in
/// the room. If the outcome was already seen, it claims nothing and only tells.
async fn ask(
    ClaimRequest { claim, rules, .. }: &ClaimRequest,
    by: &mut Claimer,
    context: &RunContext,
    (mut question, mut seen): (Option<Question<'_>>, Option<Claimed>),
    sent: &mut Duration,
) -> Result<Decision, StoreError> {
    let core = &*context.core;
    // Both claims together have the time of one conversation.
    let began = *sent;
    loop {
        by.first = core.first_attempt(claim.claimable);
        let left = core.tools.patience.saturating_sub(sent.saturating_sub(began));
        let answer = match seen.take() {
            Some(seen) => Ok(seen),
            None => settle(claim, by, context, left).await,
        };
        let claimed = match answer {
            Ok(claimed) => claimed,
            Err(error) => {
                if let Some(question) = question.take() {
                    question.tell(Err(error.repeated()));
                }
                return Err(error);
            }
        };
        if claim.claimable == Claimable::InOrder {
            core.fences.saw(claimed.attempt());
        }
        if context.remembering == Remembering::Wanted && matches!(claimed, Claimed::Done { .. }) {
            core.remembered.met(&claim.key, core.remembered.asking(&claim.key, *sent));
        }
        let for_others = question.as_ref().filter(|question| question.has_others());
        let for_others = for_others.map(|_| claimed.clone());
        let decision = decide(claimed, claim, *rules, &core.definitions);
        match (&decision, question.take()) {
            (Decision::TakeOver(attempt), asks) => {
                by.take_over = Some(*attempt);
                *sent = core.clock().steady();
                question = asks;
                continue;
            }
            (Decision::Run(_), Some(question)) => question.runs_here(claim.lease),
            (Decision::Wait(left), Some(question)) => question.found_at_work(*left),
            (_, Some(question)) => {
                if let Some(answer) = for_others {
                    question.tell(Ok(answer));
                }
            }
            (_, None) => {}
        }
        return Ok(decision);
    }
}

/// The meaning for this request of an answer that another request in the room got. `None`: this request has
/// to ask itself.
fn told(
    core: &EngineCore,
    answer: &Result<Claimed, StoreError>,
    ClaimRequest { claim, rules, .. }: &ClaimRequest,
) -> Result<Option<Admission>, StoreError> {
    let claimed = answer.as_ref().map_err(StoreError::repeated)?.clone();
    Ok(match decide(claimed, claim, *rules, &core.definitions) {
        Decision::Replay(outcome) => Some(Admission::Replay(outcome)),
        Decision::Refuse(refusal) => Some(Admission::Refused(refusal)),
        Decision::Run(_) | Decision::Wait(_) | Decision::TakeOver(_) => None,
    })
}

fn start(core: &EngineCore, lease: Arc<Lease>, context: RunContext, ends: Duration) -> Execution {
    lease.set_end(ends);
    let renewal = core.heartbeat.keep(&lease);
    context.run(lease, Ownership::Renewed(renewal))
}
