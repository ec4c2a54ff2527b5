//! Settling a key that is held, when an operator says so; also after a handler committed in mid-transaction.

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

/// Settles the record of a key that is held, in the store or in the business database.
///
/// # Errors
/// When one of them did not answer, or the bytes under the key are not a record.
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

/// Settles a record in the business database. A committed record in progress is from a handler that committed
/// before its guard did.
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
        // The next request with the key replaces a record whose life is over.
        Resolution::NotDone => (State::Issued, Duration::ZERO),
        Resolution::Done => (State::Completed(Outcome::Tombstone), retention),
    };
    let next = Record { state, ..record }.encode(key);
    let mut transaction = database.begin(&plan, Access::Write, limits).await?;
    transaction.hand_over().await?;
    // The exchange is against the bytes that were read: if somebody was faster, their decision stays.
    let exchange = RecordExchange { key, claimed: &there, next: &next, life };
    if transaction.replace_record(exchange).await? {
        transaction.commit().await?;
        return Ok(Resolved::Yes);
    }
    transaction.roll_back().await?;
    Ok(Resolved::NotAbandoned)
}
