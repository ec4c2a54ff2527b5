//! Opening a transaction and letting its guards judge, again if one had to give way.

use crate::engine::{Engine, InFlightGuard, Refusal};
use crate::error::{StoreError, StoreErrorKind};
use crate::outcome::Outcome;
use crate::transaction::database::{BusinessDatabase, Open};
use crate::transaction::dedup_table::{self, Found, Recorded};
use crate::transaction::plan::{BUSY, Plan};
use crate::transaction::row::{Judged, RowAnswer};
use crate::transaction::run::Run;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// The pause before a transaction that had to give way is begun again; jittered, and doubled.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What becomes of a request.
pub(crate) enum TransactionAdmission {
    /// It runs inside this transaction.
    Run(Box<Run>),
    /// It ran before; this is what it left behind.
    Replay(Box<Outcome>),
    /// It must not run.
    Refused(Refusal),
    /// It need not or must not run, by its row.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
    Row(RowAnswer),
}

/// Opens a transaction for a request, or says why not.
///
/// # Errors
/// When the database did not answer, or what it holds under the key is no record.
pub(crate) async fn begin(
    database: &Arc<dyn BusinessDatabase>,
    engine: &Engine,
    plan: Plan,
) -> Result<TransactionAdmission, StoreError> {
    let begun = insist(database, engine, Arc::new(plan)).await;
    let counters = engine.counters();
    match &begun {
        Ok(TransactionAdmission::Run(_)) => counters.ran.count(),
        // Counted when it is sent.
        Ok(TransactionAdmission::Replay(_)) => {}
        Ok(TransactionAdmission::Refused(_) | TransactionAdmission::Row(_)) => {
            counters.refused.count();
        }
        Err(error) if error.kind() == StoreErrorKind::Corrupt => counters.undecodable.count(),
        Err(_) => counters.store_failed.count(),
    }
    begun
}

/// Tries until the wait is over: deadlocks and busy databases ask one side to begin anew.
async fn insist(
    database: &Arc<dyn BusinessDatabase>,
    engine: &Engine,
    plan: Arc<Plan>,
) -> Result<TransactionAdmission, StoreError> {
    let until = Instant::now() + plan.wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let Some(entered) = engine.enter() else {
            return Ok(TransactionAdmission::Refused(Refusal::Draining));
        };
        let (database, plan) = (Arc::clone(database), Arc::clone(&plan));
        let mut attempt = Box::pin(attempt(database, plan, until, entered));
        match timeout_at(until, &mut attempt).await {
            Ok(Err(error)) if error.kind() == StoreErrorKind::Busy => {}
            Ok(ended) => return ended,
            Err(_) => {
                // Not dropped, for not every client library finds its way back on a connection whose
                // answer nobody awaited. The database's own timeout ends it soon.
                tokio::spawn(async move { drop(attempt.await) });
                return Ok(TOO_LONG);
            }
        }
        let again = Instant::now() + pause.mul_f64(0.5 + rand::random::<f64>());
        if again >= until {
            return Ok(TOO_LONG);
        }
        sleep_until(again).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

const TOO_LONG: TransactionAdmission =
    TransactionAdmission::Refused(Refusal::InProgress { retry_after: BUSY });

async fn attempt(
    database: Arc<dyn BusinessDatabase>,
    plan: Arc<Plan>,
    until: Instant,
    entered: InFlightGuard,
) -> Result<TransactionAdmission, StoreError> {
    if plan.request.is_some() {
        database.make_table(until).await?;
    }
    let mut open = database.begin(until).await?;
    match guard(&mut *open, &plan).await {
        Ok(Verdict::Passed(recorded, version)) => Ok(TransactionAdmission::Run(Box::new(
            Run::new(open, recorded, version, database, entered),
        ))),
        Ok(Verdict::Answered(begun)) => {
            open.rollback().await?;
            Ok(begun)
        }
        Err(error) => {
            // Left in order, where there is still something to leave.
            drop(open.rollback().await);
            Err(error)
        }
    }
}

enum Verdict {
    /// The handler may run, with this record and leaving the row at this version.
    Passed(Option<Recorded>, Option<i64>),
    Answered(TransactionAdmission),
}

/// Lets the guards judge, on a transaction that is then the handler's.
async fn guard(open: &mut dyn Open, plan: &Plan) -> Result<Verdict, StoreError> {
    let recorded = match &plan.request {
        None => None,
        Some(ask) => match dedup_table::claim(open, ask).await? {
            Found::Nothing(recorded) => Some(recorded),
            Found::Outcome(outcome) => {
                return Ok(Verdict::Answered(TransactionAdmission::Replay(outcome)));
            }
            Found::Refusal(refusal) => {
                return Ok(Verdict::Answered(TransactionAdmission::Refused(refusal)));
            }
        },
    };
    let version = match &plan.row {
        None => None,
        Some(row) => {
            if recorded.is_some() {
                open.mark().await?;
            }
            match row.judge(open).await? {
                Judged::Passed(version) => version,
                Judged::Answered(answer) => {
                    return Ok(Verdict::Answered(TransactionAdmission::Row(answer)));
                }
            }
        }
    };
    open.hand_over().await?;
    Ok(Verdict::Passed(recorded, version))
}
