//! The record's row in the business transaction.
//!
//! (The duplicate-prevention table, or inbox: what a message broker's consumer does with the id of a
//! message.)

use crate::engine::ClaimRequest;
use crate::engine::Claimed;
use crate::engine::{Decision, Refusal, decide};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::record::{Owner, Record, State};
use crate::transaction::database::Open;
use crate::transaction::plan::BUSY;
use bytes::Bytes;
use std::time::Duration;

/// The only attempt: one that did not commit left nothing behind.
const ATTEMPT: u64 = 1;

/// What a claim in a transaction found.
pub(super) enum Found {
    /// Nothing: the row is ours.
    Nothing(Recorded),
    /// What the first run left behind.
    Outcome(Box<Outcome>),
    /// Why the request must not run.
    Refusal(Refusal),
}

/// A row that was put by this transaction, and that nobody else sees before its end.
#[derive(Debug)]
pub(super) struct Recorded {
    key: StorageKey,
    record: Record,
    /// Its bytes, as they were put.
    claimed: Bytes,
}

/// Puts the row, or judges the one that is there.
pub(super) async fn claim(open: &mut dyn Open, ask: &ClaimRequest) -> Result<Found, StoreError> {
    let key = ask.claim.key;
    let state =
        State::InProgress { owner: Owner::random(), renewals: 0, retention: ask.claim.retention };
    let (fingerprint, label) = (ask.claim.fingerprint, ask.claim.label.clone());
    let record = Record { attempt: ATTEMPT, fingerprint, label, state };
    let claimed = record.encode(&key);
    let Some(there) = open.claim(&key, &claimed, ask.claim.retention).await? else {
        return Ok(Found::Nothing(Recorded { key, record, claimed }));
    };
    Ok(match decide(committed(&key, &there)?, fingerprint, ask.rules) {
        Decision::Replay(outcome) => Found::Outcome(outcome),
        Decision::Refuse(refusal) => Found::Refusal(refusal),
        Decision::Run(_) | Decision::Wait(_) | Decision::TakeOver(_) => {
            Found::Refusal(Refusal::InProgress { retry_after: BUSY })
        }
    })
}

/// What committed under a key; only outcomes ever do.
fn committed(key: &StorageKey, there: &Bytes) -> Result<Claimed, StoreError> {
    let corrupt = || StoreError::new(StoreErrorKind::Corrupt, "claim");
    let record = Record::decode(key, there).map_err(|error| corrupt().because(error))?;
    match record.state {
        State::Completed(outcome) => {
            Ok(Claimed::Done { fingerprint: record.fingerprint, outcome: Box::new(outcome) })
        }
        _ => Err(corrupt().because("a record that is no outcome was committed")),
    }
}

impl Recorded {
    /// Puts the outcome into the row.
    pub(super) async fn complete(
        self,
        open: &mut dyn Open,
        outcome: Outcome,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let Self { key, record, claimed } = self;
        let completed = Record { state: State::Completed(outcome), ..record };
        open.complete(&key, &claimed, &completed.encode(&key), ttl).await
    }
}
