//! Opening a transaction and letting its guards judge; again, after a deadlock or while the database is busy.

use crate::clock::jittered;
use crate::engine::{Detached, Engine, Refusal};
use crate::error::{StoreError, StoreErrorKind};
use crate::outcome::Outcome;
use crate::transaction::database::BusinessDatabase;
use crate::transaction::dedup_table::{self, ClaimedRecord, RecordVerdict};
use crate::transaction::plan::{Access, BUSY, Limits, Plan};
use crate::transaction::row::{self, RowAnswer, RowVerdict};
use crate::transaction::run::TransactionRun;
use crate::transaction::steps::{AfterClaim, BusinessTransaction};
use crate::transaction::turn::TransactionTurn;
use futures_util::FutureExt;
use futures_util::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::field::display;

/// The pause before a transaction is begun again after a deadlock; it is jittered, and doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The answer to a request: its run, or why there is none.
pub(crate) enum TransactionAdmission {
    /// It runs inside this transaction.
    Run(Box<TransactionRun>),
    /// It ran before, with this outcome.
    Replay(Box<Outcome>),
    /// It must not run.
    Refused(Refusal),
    /// Because of its row it need not or must not run.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
    Row(RowAnswer),
}

/// Begins a transaction for a request, or says why not.
///
/// # Errors
/// When the database did not answer, or the bytes under the key are not a record.
pub(crate) async fn begin(
    database: &Arc<dyn BusinessDatabase>,
    engine: &Engine,
    plan: Plan,
) -> Result<TransactionAdmission, StoreError> {
    let key = plan.request.as_ref().map(|request| request.claim.key);
    let admission = begin_in_time(database, engine, Arc::new(plan)).await;
    let (key, counters) = (key.as_ref().map(display), engine.counters());
    match &admission {
        Ok(TransactionAdmission::Run(_)) => {
            tracing::debug!(key, "a transaction is begun");
            counters.ran.count();
        }
        // A replay is counted when it is sent.
        Ok(TransactionAdmission::Replay(_)) => tracing::debug!(key, "a key has an outcome"),
        Ok(TransactionAdmission::Refused(refusal)) => {
            tracing::debug!(key, "a transaction is refused");
            counters.refused.count();
            if *refusal == Refusal::OutcomeUnknown {
                counters.held.count();
            }
        }
        Ok(TransactionAdmission::Row(_)) => {
            tracing::debug!(key, "a transaction is refused");
            counters.refused.count();
        }
        Err(error) => counters.failed(error),
    }
    admission
}

/// Begins again and again until the wait is over: after a deadlock, or while the database is busy, one side
/// must begin a new transaction.
///
/// `wait` bounds only the waiting for other transactions. Even if it is zero, the database has time to answer.
async fn begin_in_time(
    database: &Arc<dyn BusinessDatabase>,
    engine: &Engine,
    plan: Arc<Plan>,
) -> Result<TransactionAdmission, StoreError> {
    let limits = Limits::of(&plan, engine.patience());
    let Some(in_flight) = engine.enter() else {
        return Ok(TransactionAdmission::Refused(Refusal::Draining));
    };
    let sight = match &plan.row {
        // This comes before any waiting: other callers must not learn even that the row is held.
        Some(row) if row.owner.is_some() => {
            let look = Detached::to_its_end(look(Arc::clone(database), Arc::clone(&plan), limits));
            match timeout_at(limits.open, look).await {
                Ok(Err(error)) if error.kind() == StoreErrorKind::Busy => return Ok(TOO_LONG),
                Ok(seen) => seen?,
                Err(_) => return Ok(TOO_LONG),
            }
        }
        _ => RowSight::Unasked,
    };
    if sight == RowSight::Missing && plan.request.is_none() {
        return Ok(TransactionAdmission::Row(RowAnswer::Missing));
    }
    let row = plan.row.as_ref().filter(|_| sight != RowSight::Missing);
    let Some(turn) = TransactionTurn::come(engine, &plan, row, limits.locks, in_flight).await
    else {
        return Ok(TOO_LONG);
    };
    let turn = Arc::new(turn);
    let mut pause = FIRST_PAUSE;
    loop {
        let is_open = Arc::new(AtomicBool::new(false));
        let begun = begin_once(
            Arc::clone(database),
            engine.clone(),
            Arc::clone(&plan),
            (limits, sight),
            Arc::clone(&turn),
            Arc::clone(&is_open),
        );
        // This future is never dropped before its end: some client libraries cannot use a connection again if its
        // answer was not awaited. The database's own timeout ends it soon.
        let mut attempt = Detached::new(begun, |unused| match unused {
            Ok(TransactionAdmission::Run(run)) => run.roll_back().boxed(),
            _ => ready(()).boxed(),
        });
        let ended = match timeout_at(limits.locks, &mut attempt).await {
            // If this transaction is open, it may be the one that locks the database.
            Err(_) if is_open.load(Ordering::Relaxed) || !database.is_locked() => {
                timeout_at(limits.open, &mut attempt).await
            }
            ended => ended,
        };
        match ended {
            Ok(Err(error)) if error.kind() == StoreErrorKind::Busy => {}
            Ok(ended) => return ended,
            Err(_) => return Ok(TOO_LONG),
        }
        let again = Instant::now() + jittered(pause);
        if again >= limits.locks {
            return Ok(TOO_LONG);
        }
        sleep_until(again).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

const TOO_LONG: TransactionAdmission =
    TransactionAdmission::Refused(Refusal::InProgress { retry_after: BUSY });

/// Whether the row exists for its caller, before anything is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowSight {
    /// The row has no owner condition, so it was not looked up.
    Unasked,
    Found,
    /// There is no such row, or it has another owner.
    Missing,
}

/// Looks whether the row exists for its caller, in a transaction of its own: on some databases, later statements
/// of the same transaction would still see the state of this look.
async fn look(
    database: Arc<dyn BusinessDatabase>,
    plan: Arc<Plan>,
    limits: Limits,
) -> Result<RowSight, StoreError> {
    let Some(row) = &plan.row else { return Ok(RowSight::Unasked) };
    let mut transaction = database.begin(&plan, Access::Read, limits).await?;
    let found = match transaction.set(&plan.settings).await {
        Ok(()) => transaction.find_row(row).await,
        Err(error) => Err(error),
    };
    let rolled_back = transaction.roll_back().await;
    let found = found.map_err(|error| row::named(row.row, error))?;
    let sight = if found { RowSight::Found } else { RowSight::Missing };
    rolled_back.map(|()| sight)
}

/// Begins one transaction. If its guards do not pass, it is rolled back.
async fn begin_once(
    database: Arc<dyn BusinessDatabase>,
    engine: Engine,
    plan: Arc<Plan>,
    (limits, sight): (Limits, RowSight),
    turn: Arc<TransactionTurn>,
    is_open: Arc<AtomicBool>,
) -> Result<TransactionAdmission, StoreError> {
    let mut transaction = database.begin(&plan, Access::Write, limits).await?;
    is_open.store(true, Ordering::Relaxed);
    match guard(&mut *transaction, &engine, &plan, sight).await {
        Ok(GuardVerdict::Passed { record, version }) => {
            let run = TransactionRun { transaction, record, version, plan, database, _turn: turn };
            Ok(TransactionAdmission::Run(Box::new(run)))
        }
        Ok(GuardVerdict::Answered(admission)) => {
            transaction.roll_back().await?;
            Ok(admission)
        }
        Err(error) => {
            // The first error counts; the rollback may fail because the database has rolled back already.
            drop(transaction.roll_back().await);
            Err(error)
        }
    }
}

/// The answer of all guards of a transaction.
enum GuardVerdict {
    /// The handler may run, with this record; the row then has this version.
    Passed { record: Option<ClaimedRecord>, version: Option<i64> },
    /// The handler need not or must not run.
    Answered(TransactionAdmission),
}

/// Lets the guards judge, on the transaction that the handler then gets.
async fn guard(
    transaction: &mut dyn BusinessTransaction,
    engine: &Engine,
    plan: &Plan,
    sight: RowSight,
) -> Result<GuardVerdict, StoreError> {
    let answered = |admission| Ok(GuardVerdict::Answered(admission));
    transaction.set(&plan.settings).await?;
    let next = if plan.row.is_some() { AfterClaim::Row } else { AfterClaim::Handler };
    let record = match &plan.request {
        None => None,
        Some(request) => match dedup_table::claim(transaction, request, next, engine).await? {
            RecordVerdict::Claimed(record) => Some(*record),
            RecordVerdict::Replay(outcome) => {
                return answered(TransactionAdmission::Replay(outcome));
            }
            RecordVerdict::Refused(refusal) => {
                return answered(TransactionAdmission::Refused(refusal));
            }
        },
    };
    let version = match &plan.row {
        None => None,
        // The answer of the first look counts, even if the row was made or deleted since.
        Some(_) if sight == RowSight::Missing => {
            return answered(TransactionAdmission::Row(RowAnswer::Missing));
        }
        Some(row) => {
            if record.is_some() {
                transaction.set_savepoint().await?;
            }
            match row::judge(row, transaction).await? {
                RowVerdict::Passed(version) => version,
                RowVerdict::Answered(answer) => return answered(TransactionAdmission::Row(answer)),
            }
        }
    };
    transaction.hand_over().await?;
    Ok(GuardVerdict::Passed { record, version })
}
