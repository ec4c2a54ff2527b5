//! Looking at a record in the business database, and forgetting it, as a person decided.

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
/// When it did not answer.
pub(crate) async fn record(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    key: &StorageKey,
) -> Result<Option<RecordView>, StoreError> {
    let there = database.read_record(key, Limits::within(engine.patience())).await?;
    Ok(there.and_then(|there| view(engine, *key, there)))
}

/// The record that this is; none, if it was given back: it is over in a moment.
fn view(engine: &Engine, key: StorageKey, there: Entry) -> Option<RecordView> {
    let view = RecordView::in_database(key, there, engine);
    (view.state() != RecordState::Issued).then_some(view)
}

/// The records of one page of the business database, and where the next one begins.
///
/// # Errors
/// When it did not answer, or does not know the cursor.
pub(crate) async fn page(
    database: &dyn BusinessDatabase,
    engine: &Engine,
    request: &PageRequest,
) -> Result<(Vec<RecordView>, Option<Cursor>), StoreError> {
    let page = database.browse(request, Limits::within(engine.patience())).await?;
    let views = page.entries.into_iter().filter_map(|(key, there)| view(engine, key, there));
    Ok((views.collect(), page.next))
}

/// Forgets a record of the business database, if it is still what was seen.
///
/// # Errors
/// When it did not answer; whether it forgot is unknown then, and sending it again does no harm.
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
    // Against what was seen. The next request with the key puts its own in place of one whose life is over.
    let exchange = RecordExchange { key, claimed: seen.seen(), next: &next, life: Duration::ZERO };
    if transaction.replace_record(exchange).await? {
        transaction.commit().await?;
        return Ok(Forgotten::Yes);
    }
    transaction.roll_back().await?;
    Ok(Forgotten::Changed)
}
