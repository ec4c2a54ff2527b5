//! The record's row in the business transaction.
//!
//! (This is the duplicate-prevention table, or inbox, which consumers of message brokers use for the ids of
//! messages.)

use crate::engine::{
    ClaimRequest, Claimed, Decision, DuplicateRules, Engine, FirstRequest, Refusal, decide,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::policy::OnAbandoned;
use crate::store::Label;
use crate::store::record::{Origin, Owner, Record, State, sealed};
use crate::transaction::database::BusinessDatabase;
use crate::transaction::plan::{BUSY, Limits};
use crate::transaction::steps::{AfterClaim, BusinessTransaction, RecordExchange, Steps};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The number of the only attempt: a run that does not commit leaves nothing behind.
const ATTEMPT: u64 = 1;

/// The wait for a connection for a look.
const LOOK: Duration = Duration::from_secs(1);

/// The answer of a record's row to a claim.
pub(super) enum RecordVerdict {
    /// There was no record: this transaction put the row.
    Claimed(Box<ClaimedRecord>),
    /// The first run committed this outcome.
    Replay(Box<Outcome>),
    /// The request must not run.
    Refused(Refusal),
}

/// A record that this transaction put. No other transaction sees it before the commit.
#[derive(Debug)]
pub(crate) struct ClaimedRecord {
    key: StorageKey,
    record: Record,
    /// Its bytes, as they were put.
    claimed: Bytes,
    /// The engine that seals and counts it.
    engine: Engine,
}

/// Puts the record, or judges the one that is there.
pub(super) async fn claim(
    steps: &mut dyn Steps,
    request: &ClaimRequest,
    next: AfterClaim,
    engine: &Engine,
) -> Result<RecordVerdict, StoreError> {
    let (claim, now) = (&request.claim, engine.clock().wall());
    let key = claim.key;
    let state =
        State::InProgress { owner: Owner::random(), renewals: 0, retention: claim.retention };
    let (fingerprint, label, definition) =
        (claim.fingerprint, claim.label.clone(), claim.definition);
    let origin = Origin { definition, claimed_at: now, taken_over: false };
    let record = Record { attempt: ATTEMPT, origin, fingerprint, label, state };
    let claimed = record.encode(&key);
    let Some(there) = steps.put_record(&key, &claimed, claim.retention, next).await? else {
        let claimed = ClaimedRecord { key, record, claimed, engine: engine.clone() };
        return Ok(RecordVerdict::Claimed(Box::new(claimed)));
    };
    // A handler that committed in the middle may have done any part of its work, so no policy allows another run.
    let rules = DuplicateRules { on_abandoned: OnAbandoned::Hold, ..request.rules };
    Ok(match decide(committed(&key, &there)?, claim, rules, engine.definitions()) {
        Decision::Refuse(Refusal::OutcomeUnknown) => {
            tell_held(&key, &claim.label);
            RecordVerdict::Refused(Refusal::OutcomeUnknown)
        }
        Decision::Replay(outcome) => {
            RecordVerdict::Replay(Box::new(engine.opened(*outcome, "claim")?))
        }
        Decision::Refuse(refusal) => RecordVerdict::Refused(refusal),
        Decision::Run(_) | Decision::Wait(_) | Decision::TakeOver(_) => {
            RecordVerdict::Refused(Refusal::InProgress { retry_after: BUSY })
        }
    })
}

/// Logs a key that is held, so that an operator can resolve it.
fn tell_held(key: &StorageKey, label: &Label) {
    tracing::error!(
        %key,
        operation = label.operation(),
        "the handler of this key committed in the middle of its transaction, by DDL or a COMMIT of its own, and \
        did not end: look for its effect, then settle this key by `resolve`",
    );
}

/// Reads the committed record under a key. It is an outcome, unless something in the middle of a
/// transaction committed it, such as DDL on `MySQL`.
fn committed(key: &StorageKey, there: &Bytes) -> Result<Claimed, StoreError> {
    let corrupt = || StoreError::new(StoreErrorKind::Corrupt, "claim");
    let record = Record::decode(key, there).map_err(|error| corrupt().because(error))?;
    let Record { fingerprint, origin, attempt, .. } = record;
    let first = FirstRequest { fingerprint, definition: origin.definition };
    match record.state {
        State::Completed(outcome) => Ok(Claimed::Done { first, outcome: Box::new(outcome) }),
        State::InProgress { .. } => Ok(Claimed::Abandoned { first, attempt }),
        // An operator gave the key back: its life ends with this millisecond.
        State::Issued => Err(StoreError::new(StoreErrorKind::Busy, "claim")),
        _ => Err(corrupt().because("a record that is not an outcome was committed")),
    }
}

impl ClaimedRecord {
    /// Puts the outcome into the record, and commits.
    pub(super) async fn complete(
        &self,
        transaction: Box<dyn BusinessTransaction>,
        outcome: Outcome,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let Self { key, record, claimed, engine } = self;
        let completed = sealed::completed(engine.seal(), key, record.clone(), outcome).encode(key);
        let bytes = u32::try_from(completed.len()).unwrap_or(u32::MAX);
        engine.counters().meters.record_bytes.record(bytes);
        let exchange = RecordExchange { key, claimed, next: &completed, life: ttl };
        transaction.complete(exchange).await
    }

    /// Whether the record is committed although the end of its transaction failed with this error. If so, something
    /// committed in the middle.
    pub(super) async fn outlasts(
        &self,
        error: &StoreError,
        database: &dyn BusinessDatabase,
    ) -> bool {
        // A database that does not answer is not asked: a repeated request finds out.
        if matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Timeout) {
            return false;
        }
        let until = Instant::now() + LOOK;
        let there = database.read_record(&self.key, Limits { locks: until, open: until }).await;
        let lasts = there.is_ok_and(|there| there.is_some_and(|it| it.value == self.claimed));
        if lasts {
            tell_held(&self.key, &self.record.label);
        }
        lasts
    }
}
