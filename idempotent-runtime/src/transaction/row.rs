//! A row that guards. It is locked, and must have the version that the client saw, or the right state.

use crate::error::{StoreError, StoreErrorKind};
use crate::policy::{ColumnValue, OnDuplicate, Row, RowGuard, SetColumn, StateRow, must_have_gone};
use crate::transaction::plan::{KnownBy, RowPlan, SeenVersion};
use crate::transaction::steps::Steps;

/// The answer of a row to a request.
pub(super) enum RowVerdict {
    /// The handler may run; the row then has this version.
    Passed(Option<i64>),
    /// The handler need not or must not run.
    Answered(RowAnswer),
}

/// Why a handler does not run because of its row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RowAnswer {
    /// There is no such row.
    Missing,
    /// It has another version by now.
    Mismatch { current: i64 },
    /// It has the next version already.
    Accepted { current: i64 },
    /// The row cannot be in its state without this transition.
    AlreadyThere { current: &'static str },
    /// The row is in a state from which this transition is not possible.
    Illegal { from: &'static str, to: &'static str, current: String },
}

/// Checks the row. If it passes, it is changed, and locked until the transaction ends.
pub(super) async fn judge(plan: &RowPlan, steps: &mut dyn Steps) -> Result<RowVerdict, StoreError> {
    judge_by_guard(plan, steps).await.map_err(|error| named(plan.row, error))
}

/// Adds table and column to a permanent error, so that a person can mend it.
pub(super) fn named(row: &Row, error: StoreError) -> StoreError {
    if error.is_transient() {
        return error;
    }
    let place = match row.guard {
        RowGuard::Lock => row.table.to_owned(),
        RowGuard::Version { column, .. } | RowGuard::State { column, .. } => {
            format!("{}.{column}", row.table)
        }
    };
    // An error of reading is about the column, not about a record: it holds NULL, or another type of value.
    error.of_kind(StoreErrorKind::Rejected).explained(|why| format!("`{place}`: {why}"))
}

async fn judge_by_guard(plan: &RowPlan, steps: &mut dyn Steps) -> Result<RowVerdict, StoreError> {
    match plan.row.guard {
        RowGuard::Lock => Ok(if steps.lock_row(plan).await? {
            RowVerdict::Passed(None)
        } else {
            RowVerdict::Answered(RowAnswer::Missing)
        }),
        RowGuard::Version { column, .. } => advance(plan, steps, column).await,
        RowGuard::State { column, states, from, to, set } => {
            transition(plan, steps, (column, set), states, (from, to)).await
        }
    }
}

/// Increments the version, if the row has one that the client saw.
async fn advance(
    plan: &RowPlan,
    steps: &mut dyn Steps,
    column: &'static str,
) -> Result<RowVerdict, StoreError> {
    if let SeenVersion::OneOf(versions) = &plan.version
        && let [seen] = versions[..]
    {
        return advance_from(seen, plan, steps, column).await;
    }
    // The row is locked before it is read, so that it cannot change before it is updated.
    if !steps.lock_row(plan).await? {
        return Ok(RowVerdict::Answered(RowAnswer::Missing));
    }
    let Some(current) = current_version(plan, steps, column).await? else {
        return Ok(RowVerdict::Answered(RowAnswer::Missing));
    };
    let matches = match &plan.version {
        SeenVersion::Any => true,
        SeenVersion::OneOf(versions) => versions.contains(&current),
    };
    if matches {
        return advance_from(current, plan, steps, column).await;
    }
    Ok(RowVerdict::Answered(RowAnswer::Mismatch { current }))
}

/// Increments the version if it is this one, or returns the current one.
async fn advance_from(
    seen: i64,
    plan: &RowPlan,
    steps: &mut dyn Steps,
    column: &'static str,
) -> Result<RowVerdict, StoreError> {
    if let Some(next) = seen.checked_add(1) {
        let (seen, wanted) = (ColumnValue::Integer(seen), ColumnValue::Integer(next));
        if steps.exchange_column(plan, column, &[seen], wanted).await? {
            return Ok(RowVerdict::Passed(Some(next)));
        }
    }
    let Some(current) = current_version(plan, steps, column).await? else {
        return Ok(RowVerdict::Answered(RowAnswer::Missing));
    };
    Ok(RowVerdict::Answered(match plan.on_duplicate {
        OnDuplicate::Accept if Some(current) == seen.checked_add(1) => {
            RowAnswer::Accepted { current }
        }
        _ => RowAnswer::Mismatch { current },
    }))
}

async fn current_version(
    plan: &RowPlan,
    steps: &mut dyn Steps,
    column: &'static str,
) -> Result<Option<i64>, StoreError> {
    let current = steps.read_column(plan, column).await?;
    let corrupt = |error: std::num::ParseIntError| {
        StoreError::new(StoreErrorKind::Corrupt, "version").because(error)
    };
    current.map(|current| current.parse().map_err(corrupt)).transpose()
}

/// Sets the state, or with `set = "last"` checks that the handler may run.
async fn transition(
    plan: &RowPlan,
    steps: &mut dyn Steps,
    (column, set): (&'static str, SetColumn),
    states: &'static [StateRow],
    (from, to): (usize, usize),
) -> Result<RowVerdict, StoreError> {
    let stands_ready = match set {
        SetColumn::First => {
            let (was, becomes) = (states[from].stored, states[to].stored);
            steps.exchange_column(plan, column, &[was], becomes).await?
        }
        // The row is locked before it is read, so that its state stays the same.
        SetColumn::Last => {
            let is_there = steps.lock_row(plan).await?;
            let current = if is_there { steps.read_column(plan, column).await? } else { None };
            current.is_some_and(|current| states[from].stored.reads(&current))
        }
    };
    if stands_ready {
        return Ok(RowVerdict::Passed(None));
    }
    let Some(current) = steps.read_column(plan, column).await? else {
        return Ok(RowVerdict::Answered(RowAnswer::Missing));
    };
    let place = states.iter().position(|state| state.stored.reads(&current));
    Ok(RowVerdict::Answered(match place {
        Some(place)
            if plan.known_by == KnownBy::Row && must_have_gone(states, (from, to), place) =>
        {
            RowAnswer::AlreadyThere { current: states[place].name }
        }
        place => RowAnswer::Illegal {
            from: states[from].name,
            to: states[to].name,
            current: place.map_or(current, |place| states[place].name.to_owned()),
        },
    }))
}

/// Sets a column that is set last; returns false if the handler left the row in a third state.
pub(super) async fn set_last(plan: &RowPlan, steps: &mut dyn Steps) -> Result<bool, StoreError> {
    let RowGuard::State { column, states, from, to, set: SetColumn::Last } = plan.row.guard else {
        return Ok(true);
    };
    let (was, becomes) = (states[from].stored, states[to].stored);
    // The owner is not checked again: it was checked under the lock, and the handler may have changed it.
    let of_anybody =
        RowPlan { owner: None, id: plan.id.clone(), version: SeenVersion::Any, ..*plan };
    if steps.exchange_column(&of_anybody, column, &[was, becomes], becomes).await? {
        return Ok(true);
    }
    let current = steps.read_column(&of_anybody, column).await?;
    tracing::error!(
        table = plan.row.table,
        column,
        current = current.as_deref().unwrap_or("(there is no such row any more)"),
        "a handler left its row in another state than `{}` or `{}`; everything that it did is \
        rolled back",
        states[from].name,
        states[to].name,
    );
    Ok(false)
}
