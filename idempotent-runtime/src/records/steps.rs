//! Finding one record and forgetting it, wherever it is kept.

use crate::engine::{Force, Forgotten, KeptIn, RecordView, Resolution, Resolved, inspect};
use crate::error::StoreError;
use crate::key::{KeyParts, StorageKey};
use crate::setup::Base;
use crate::strategy::{Target, TargetError};
use crate::transaction;

/// Why nothing was looked for, or found out.
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

/// The record under a key: of the store, or else of the business database.
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
        // It is another engine's.
        (KeptIn::Database, None) => Ok(Forgotten::Changed),
        #[cfg(feature = "actix")]
        (KeptIn::Store, _) => base.tasks.forget(&base.engine, record, force).await,
        #[cfg(not(feature = "actix"))]
        (KeptIn::Store, _) => inspect::forget(&base.engine, record, force).await,
    }
}

/// Ends what is held under a key, as a person decided.
pub(crate) async fn resolve(
    base: &Base,
    key: &StorageKey,
    resolution: Resolution,
) -> Result<Resolved, StoreError> {
    let Base { engine, database, .. } = base;
    let resolved = transaction::resolve(engine, database.as_deref(), key, resolution).await?;
    #[cfg(feature = "actix")]
    if resolution == Resolution::NotDone {
        // Also where it is resolved already: whoever did that may have died here.
        base.tasks.put_back(engine, key).await?;
    }
    Ok(resolved)
}
