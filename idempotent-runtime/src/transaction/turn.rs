//! The turn of a request: requests of one process that want one key, or one row, wait in line before they take a
//! connection of the pool, so that other requests can use the connections.

use crate::engine::{Engine, Front, InFlightGuard};
use crate::key::{Address, Guard, KeyParts, Namespace, StorageKey};
use crate::transaction::plan::{Plan, RowPlan};
use tokio::time::Instant;

/// The turn of a request. Until it is dropped, no other request of this process has its key or its row.
pub(crate) struct TransactionTurn {
    // These are dropped in this order: when the next request gets the key, the row is free, too.
    _row: Option<Front>,
    _key: Option<Front>,
    _in_flight: InFlightGuard,
}

impl TransactionTurn {
    /// Waits for the turn of a request; `None` if it does not come in time.
    ///
    /// Every request waits for its key first, so that no two wait for each other.
    pub(super) async fn come(
        engine: &Engine,
        plan: &Plan,
        row: Option<&RowPlan>,
        until: Instant,
        in_flight: InFlightGuard,
    ) -> Option<Self> {
        let left = || until.saturating_duration_since(Instant::now());
        let key = match &plan.request {
            Some(request) => Some(engine.front(request.claim.key, left()).await?),
            None => None,
        };
        let row = match row {
            Some(row) => Some(engine.front(line_of(row), left()).await?),
            None => None,
        };
        Some(Self { _row: row, _key: key, _in_flight: in_flight })
    }
}

/// The line of a row and its owner: no caller waits for a request of another owner.
fn line_of(row: &RowPlan) -> StorageKey {
    let owner = row.owner.as_ref().map(|owner| &*owner.value).unwrap_or_default();
    StorageKey::of(&Address {
        namespace: &Namespace::default(),
        guard: Guard::Lock,
        scope: &KeyParts::new().value(owner),
        route: None,
        operation: Some(row.row.table),
        key: &KeyParts::new().value(row.row.id).value(&row.id),
    })
}
