//! Opening a transaction and letting its guards judge, again if one had to give way.

use crate::engine::decide::Refusal;
use crate::engine::{Ask, Engine, Entered};
use crate::error::{StoreError, StoreErrorKind};
use crate::outcome::StoredResponse;
use crate::transaction::database::Database;
use crate::transaction::dedup_table::{self, Found};
use crate::transaction::row::{Judged, RowAnswer, RowPlan};
use crate::transaction::run::Run;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// The pause before a transaction that had to give way is begun again; jittered, and doubled.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// When it is worth asking again after others held the row for too long.
pub(super) const BUSY: Duration = Duration::from_secs(1);

/// What guards a transaction.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The record that commits with it; nothing, for a request without a key that needs none.
    pub(crate) ask: Option<Ask>,
    /// The row that guards it.
    pub(crate) row: Option<RowPlan>,
    /// How long to wait for others that hold the same row.
    pub(crate) wait: Duration,
}

/// What becomes of a request.
pub(crate) enum Begun {
    /// It runs inside this transaction.
    Run(Box<Run>),
    /// It ran before; this is what it left behind.
    Replay(Box<StoredResponse>),
    /// It must not run.
    Refused(Refusal),
    /// It need not or must not run, by its row.
    Row(RowAnswer),
}

/// Opens a transaction for a request, or says why not.
///
/// # Errors
/// When the database did not answer, or what it holds under the key is no record.
pub(crate) async fn begin(
    database: &dyn Database,
    engine: &Engine,
    plan: &Plan,
) -> Result<Begun, StoreError> {
    let begun = insist(database, engine, plan).await;
    let counters = engine.counters();
    match &begun {
        Ok(Begun::Run(_)) => counters.ran.count(),
        Ok(Begun::Replay(_)) => counters.replayed.count(),
        Ok(Begun::Refused(_) | Begun::Row(_)) => counters.refused.count(),
        Err(error) if error.kind() == StoreErrorKind::Corrupt => counters.undecodable.count(),
        Err(_) => counters.store_failed.count(),
    }
    begun
}

/// Tries until the wait is over: deadlocks and busy databases ask one side to begin anew.
async fn insist(
    database: &dyn Database,
    engine: &Engine,
    plan: &Plan,
) -> Result<Begun, StoreError> {
    let until = Instant::now() + plan.wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(entered) = engine.enter() else {
            return Ok(Begun::Refused(Refusal::Draining));
        };
        match timeout_at(until, attempt(database, plan, entered)).await {
            Ok(Err(error)) if error.kind() == StoreErrorKind::Busy && Instant::now() < until => {
                sleep(pause.mul_f64(0.5 + rand::random::<f64>())).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Ok(Err(error)) if error.kind() != StoreErrorKind::Busy => return Err(error),
            Ok(Ok(begun)) => return Ok(begun),
            Ok(Err(_)) | Err(_) => {
                return Ok(Begun::Refused(Refusal::InProgress { retry_after: BUSY }));
            }
        }
    }
}

async fn attempt(
    database: &dyn Database,
    plan: &Plan,
    entered: Entered,
) -> Result<Begun, StoreError> {
    let mut open = database.begin().await?;
    let recorded = match &plan.ask {
        None => None,
        Some(ask) => match dedup_table::claim(&mut *open, ask).await? {
            Found::Nothing(recorded) => Some(recorded),
            Found::Response(response) => {
                open.rollback().await?;
                return Ok(Begun::Replay(response));
            }
            Found::Refusal(refusal) => {
                open.rollback().await?;
                return Ok(Begun::Refused(refusal));
            }
        },
    };
    if recorded.is_some() {
        open.mark().await?;
    }
    let version = match &plan.row {
        None => None,
        Some(row) => match row.judge(&mut *open).await? {
            Judged::Passed(version) => version,
            Judged::Answered(answer) => {
                open.rollback().await?;
                return Ok(Begun::Row(answer));
            }
        },
    };
    Ok(Begun::Run(Box::new(Run::new(open, recorded, version, entered))))
}
