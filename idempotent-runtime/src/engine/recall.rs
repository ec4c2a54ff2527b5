//! Answers a request from a remembered record, and reads that record again in the store when it is due.

use crate::engine::admission::Admission;
use crate::engine::claim_request::ClaimRequest;
use crate::engine::claimed::{Claimed, FirstRequest};
use crate::engine::core::EngineCore;
use crate::engine::deadline::within;
use crate::engine::decide::{Decision, decide};
use crate::engine::lease::decode;
use crate::engine::remembered::{FailedLook, Known, Recalled};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::record::{Record, State};
use bytes::Bytes;
use std::pin::pin;
use std::sync::Arc;
use tokio::time::Instant;

/// If a look failed after more than this part of the engine's patience, its error is the answer. If it failed
/// sooner, the store is asked as if nothing had been remembered.
const SOON: u32 = 4;

/// The result of looking for a remembered record.
pub(super) enum Memory {
    /// The answer.
    Answer(Admission),
    /// A remembered record that has to be read again in the store.
    Due(Arc<Known>),
    /// No record is remembered.
    Nothing,
}

/// The answer by a remembered record.
pub(super) fn recall(core: &EngineCore, request: &ClaimRequest) -> Memory {
    match core.remembered.find(&request.claim.key, core.clock().steady()) {
        None => Memory::Nothing,
        Some(Recalled::Due(known)) => Memory::Due(known),
        Some(Recalled::Certain(record)) => match answer(core, request, &record) {
            Ok(Some(admission)) => {
                core.counters().remembered.count();
                Memory::Answer(admission)
            }
            // Memory does not know; the store does.
            Ok(None) | Err(_) => Memory::Nothing,
        },
    }
}

/// The answer by a record that is due: one request reads it again, the others wait for that. `None` if the
/// key has to be claimed.
///
/// # Errors
/// When the store did not answer within a part of the engine's patience.
pub(super) async fn look_again(
    core: &EngineCore,
    request: &ClaimRequest,
    due: Arc<Known>,
) -> Result<Option<Admission>, StoreError> {
    let (key, began) = (&request.claim.key, Instant::now());
    let told = within(core.tools.patience, "read", pin!(in_turn(core, request, &due))).await;
    let Err(error) = told else { return told };
    if let Some(record) = core.remembered.unanswered(key, &due, core.clock().steady()) {
        core.counters().remembered.count();
        return answer(core, request, &record);
    }
    if began.elapsed() < core.tools.patience / SOON { Ok(None) } else { Err(error) }
}

/// Waits for the turn to read, and reads unless another request did so meanwhile.
async fn in_turn(
    core: &EngineCore,
    request: &ClaimRequest,
    due: &Arc<Known>,
) -> Result<Option<Admission>, StoreError> {
    let (key, began) = (&request.claim.key, Instant::now());
    let mut failed = due.looking.lock().await;
    if let Some(failed) = failed.as_ref().filter(|failed| failed.at >= began) {
        return Err(failed.error.repeated());
    }
    if !core.remembered.is_still(key, due) {
        match recall(core, request) {
            Memory::Answer(admission) => return Ok(Some(admission)),
            Memory::Nothing => return Ok(None),
            Memory::Due(_) => {}
        }
    }
    match within(core.tools.patience, "read", pin!(look(core, key))).await {
        Ok(Some(record)) => answer(core, request, &record),
        Ok(None) => Ok(None),
        Err(error) => {
            *failed = Some(FailedLook { at: Instant::now(), error: error.repeated() });
            Err(error)
        }
    }
}

/// The finished record that the store has under a key. It is remembered.
async fn look(core: &EngineCore, key: &StorageKey) -> Result<Option<Bytes>, StoreError> {
    let asked = core.remembered.asking(key, core.clock().steady());
    let entry = core.store().read(key).await?;
    core.remembered.answered();
    // A record that cannot be read is left for a claim to report.
    let record = entry.filter(|entry| {
        let record = Record::decode(key, &entry.value);
        record.is_ok_and(|record| matches!(record.state, State::Completed(_)))
    });
    match &record {
        Some(entry) => {
            let ends = asked.at().saturating_add(entry.left);
            core.remembered.keep(key, &entry.value, asked, ends);
        }
        None => core.remembered.drop_key(key),
    }
    Ok(record.map(|entry| entry.value))
}

/// The answer that a finished record means for a request; `None` if the request has to ask the store.
fn answer(
    core: &EngineCore,
    ClaimRequest { claim, rules, .. }: &ClaimRequest,
    record: &Bytes,
) -> Result<Option<Admission>, StoreError> {
    let Record { fingerprint, origin, state, .. } = decode(&claim.key, record, "read")?;
    let State::Completed(outcome) = state else { return Ok(None) };
    let first = FirstRequest { fingerprint, definition: origin.definition };
    let done = Claimed::Done { first, outcome: Box::new(outcome) };
    Ok(match decide(done, claim, *rules, &core.definitions) {
        Decision::Replay(outcome) => Some(Admission::Replay(outcome)),
        Decision::Refuse(refusal) => Some(Admission::Refused(refusal)),
        Decision::Run(_) | Decision::Wait(_) | Decision::TakeOver(_) => None,
    })
}
