//! A person's word on a key that is held, also by a handler that committed in mid-transaction.

use crate::engine::{Engine, Resolution, Resolved};
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::outcome::Outcome;
use crate::store::Entry;
use crate::store::record::{Record, State};
use crate::transaction::database::BusinessDatabase;
use crate::transaction::plan::{Access, Limits, Plan};
use crate::transaction::steps::RecordExchange;
use std::time::Duration;

/// Ends what is held under a key, in the store or in the business database, as a person decided.
///
/// # Errors
/// When one of them did not answer, or what it holds under the key is no record.
pub(crate) async fn resolve(
    engine: &Engine,
    database: Option<&dyn BusinessDatabase>,
    key: &StorageKey,
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    match (engine.resolve(key, resolution).await?, database) {
        (Resolved::NotAbandoned, Some(database)) => {
            resolve_in(database, engine, key, resolution).await
        }
        (resolved, _) => Ok(resolved),
    }
}

/// A record in progress that others see is one of a handler that committed before its guard did.
async fn resolve_in(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    key: &StorageKey,
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    let plan = Plan { request: None, row: None, wait: engine.patience(), settings: Vec::new() };
    let limits = Limits::of(&plan, engine.patience());
    let Some(Entry { value: there, .. }) = database.read_record(key, limits).await? else {
        return Ok(Resolved::NotAbandoned);
    };
    let record = Record::decode(key, &there)
        .map_err(|error| StoreError::new(StoreErrorKind::Corrupt, "read").because(error))?;
    let State::InProgress { retention, .. } = record.state else {
        return Ok(Resolved::NotAbandoned);
    };
    let (state, life) = match resolution {
        // The next request with the key puts its own in place of one whose life is over.
        Resolution::NotDone => (State::Issued, Duration::ZERO),
        Resolution::Done => (State::Completed(Outcome::Tombstone), retention),
    };
    let next = Record { state, ..record }.encode(key);
    let mut transaction = database.begin(&plan, Access::Write, limits).await?;
    transaction.hand_over().await?;
    // Against what was read: whoever was faster decided.
    let exchange = RecordExchange { key, claimed: &there, next: &next, life };
    if transaction.replace_record(exchange).await? {
        transaction.commit().await?;
        return Ok(Resolved::Yes);
    }
    transaction.roll_back().await?;
    Ok(Resolved::NotAbandoned)
}
