//! Finds one record and forgets it, in the store or in the business database.

use crate::engine::{Force, Forgotten, KeptIn, RecordView, Resolution, Resolved, inspect};
use crate::error::StoreError;
use crate::key::{KeyParts, StorageKey};
use crate::setup::Base;
use crate::strategy::{Target, TargetError};
use crate::transaction;

/// The reason why no record was looked for, or why the answer is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// The target, the scope and the key name no record.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The store or the business database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The record of a target, scope and key.
pub(crate) async fn find(
    base: &Base,
    target: &Target,
    scope: &KeyParts,
    key: &KeyParts,
) -> Result<Option<RecordView>, FindError> {
    let key = target.storage_key(&base.settings, scope, key)?;
    Ok(record(base, &key).await?)
}

/// The record under a key, in the store, or else in the business database.
pub(crate) async fn record(
    base: &Base,
    key: &StorageKey,
) -> Result<Option<RecordView>, StoreError> {
    match (inspect::record(&base.engine, key).await?, &base.database) {
        (None, Some(database)) => transaction::record(&**database, &base.engine, key).await,
        (found, _) => Ok(found),
    }
}

/// Forgets a record where it was found.
pub(crate) async fn forget(
    base: &Base,
    record: &RecordView,
    force: Force,
) -> Result<Forgotten, StoreError> {
    match (record.kept_in(), &base.database) {
        (KeptIn::Database, Some(database)) => {
            transaction::forget(&**database, &base.engine, record, force).await
        }
        // The record belongs to another engine.
        (KeptIn::Database, None) => Ok(Forgotten::Changed),
        #[cfg(feature = "actix")]
        (KeptIn::Store, _) => base.tasks.forget(&base.engine, record, force).await,
        #[cfg(not(feature = "actix"))]
        (KeptIn::Store, _) => inspect::forget(&base.engine, record, force).await,
    }
}

/// Ends an abandoned run, in the way that a person decided.
pub(crate) async fn resolve(
    base: &Base,
    key: &StorageKey,
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    let Base { engine, database, .. } = base;
    let resolved = transaction::resolve(engine, database.as_deref(), key, resolution).await?;
    #[cfg(feature = "actix")]
    if resolution == Resolution::NotDone {
        // Even if the run was resolved before, since the process that did it may have died at this point.
        base.tasks.put_back(engine, key).await?;
    }
    Ok(resolved)
}
