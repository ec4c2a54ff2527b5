//! Reading one record, and a page of them.

use crate::engine::deadline::within;
use crate::engine::engine::Engine;
use crate::engine::inspect::view::RecordView;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::{Cursor, PageRequest};
use std::pin::pin;

/// The record that the store holds under a key; `None` if it holds none.
///
/// # Errors
/// When the store did not answer.
pub(crate) async fn record(
    engine: &Engine,
    key: &StorageKey,
) -> Result<Option<RecordView>, StoreError> {
    let entry = engine.core().read(key).await?;
    Ok(entry.and_then(|entry| RecordView::in_store(*key, entry, engine)))
}

/// The records of one page of the store, and where the next one begins.
///
/// # Errors
/// When the store did not answer, or cannot list what it holds.
pub(crate) async fn page(
    engine: &Engine,
    request: &PageRequest,
) -> Result<(Vec<RecordView>, Option<Cursor>), StoreError> {
    let Some(browsing) = engine.store().browse(request) else {
        let why = "this store cannot list its records; `find` and `record` look for one";
        return Err(StoreError::new(StoreErrorKind::Rejected, "browse").because(why));
    };
    let page = within(engine.patience(), "browse", pin!(browsing)).await?;
    let view = |(key, entry)| RecordView::in_store(key, entry, engine);
    Ok((page.entries.into_iter().filter_map(view).collect(), page.next))
}
