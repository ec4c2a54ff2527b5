//! Looking at records in the business database, and forgetting one when an operator says so.

use crate::engine::{Engine, Force, Forgotten, RecordState, RecordView, inspect};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::{Cursor, Entry, PageRequest};
use crate::transaction::database::BusinessDatabase;
use crate::transaction::plan::{Access, Limits, Plan};
use crate::transaction::steps::RecordExchange;
use std::time::Duration;

/// The record that the business database holds under a key.
///
/// # Errors
/// When the database did not answer.
pub(crate) async fn record(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    key: &StorageKey,
) -> Result<Option<RecordView>, StoreError> {
    let there = database.read_record(key, Limits::within(engine.patience())).await?;
    Ok(there.and_then(|there| view(engine, *key, there)))
}

/// The view of a record; `None` if its key was given back: it ends in a moment.
fn view(engine: &Engine, key: StorageKey, there: Entry) -> Option<RecordView> {
    let view = RecordView::in_database(key, there, engine);
    (view.state() != RecordState::Issued).then_some(view)
}

/// The records of one page of the business database, and where the next one begins.
///
/// # Errors
/// When the database did not answer, or the cursor is not one of its own.
pub(crate) async fn page(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    request: &PageRequest,
) -> Result<(Vec<RecordView>, Option<Cursor>), StoreError> {
    let page = database.browse(request, Limits::within(engine.patience())).await?;
    let views = page.entries.into_iter().filter_map(|(key, there)| view(engine, key, there));
    Ok((views.collect(), page.next))
}

/// Forgets a record of the business database, if its bytes are still those that were seen.
///
/// # Errors
/// When the database did not answer. Then it is unknown whether it forgot; forgetting again does no harm.
pub(crate) async fn forget(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    seen: &RecordView,
    force: Force,
) -> Result<Forgotten, StoreError> {
    if seen.state() == RecordState::Undecodable && force == Force::No {
        return Ok(Forgotten::Undecodable);
    }
    let key = seen.key();
    let Some(now) = record(database, engine, key).await? else { return Ok(Forgotten::Yes) };
    if now.seen() != seen.seen() {
        return Ok(Forgotten::Changed);
    }
    let plan = Plan { request: None, row: None, wait: engine.patience(), settings: Vec::new() };
    let limits = Limits::of(&plan, engine.patience());
    let next = inspect::forgotten(&now, engine.clock().wall());
    let mut transaction = database.begin(&plan, Access::Write, limits).await?;
    transaction.hand_over().await?;
    // The exchange is against the bytes that were seen. The next request with the key replaces a record whose
    // life is over.
    let exchange = RecordExchange { key, claimed: seen.seen(), next: &next, life: Duration::ZERO };
    if transaction.replace_record(exchange).await? {
        transaction.commit().await?;
        return Ok(Forgotten::Yes);
    }
    transaction.roll_back().await?;
    Ok(Forgotten::Changed)
}
