//! A row that guards: locked, at the version the client saw, or in the state it must be in.

use crate::error::{StoreError, StoreErrorKind};
use crate::policy::{ColumnValue, OnDuplicate, RowGuard, StateRow, is_beyond};
use crate::transaction::database::Open;
use crate::transaction::plan::RowPlan;

/// What a row says to a request.
pub(crate) enum Judged {
    /// The handler may run, and leaves the row at this version.
    Passed(Option<i64>),
    /// It need not or must not.
    Answered(RowAnswer),
}

/// Why a handler does not run, by its row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RowAnswer {
    /// There is no such row.
    Missing,
    /// It has another version by now.
    Mismatch { current: i64 },
    /// It has the next version already.
    Accepted { current: i64 },
    /// It is in the state it was to go to, or beyond.
    AlreadyThere { current: &'static str },
    /// It is in a state from which it cannot go there.
    Illegal { from: &'static str, to: &'static str, current: String },
}

impl RowPlan {
    /// Lets the row judge; what passes is changed and locked until the transaction ends.
    pub(super) async fn judge(&self, open: &mut dyn Open) -> Result<Judged, StoreError> {
        match self.row.guard {
            RowGuard::Lock => Ok(if open.lock_row(self).await? {
                Judged::Passed(None)
            } else {
                Judged::Answered(RowAnswer::Missing)
            }),
            RowGuard::Version { column } => self.advance(open, column).await,
            RowGuard::State { column, states, from, to } => {
                self.transition(open, column, states, (from, to)).await
            }
        }
    }

    async fn advance(
        &self,
        open: &mut dyn Open,
        column: &'static str,
    ) -> Result<Judged, StoreError> {
        let next = self.version.saturating_add(1);
        let (seen, wanted) = (ColumnValue::Integer(self.version), ColumnValue::Integer(next));
        if open.exchange(self, column, seen, wanted).await? {
            return Ok(Judged::Passed(Some(next)));
        }
        let Some(current) = open.peek(self, column).await? else {
            return Ok(Judged::Answered(RowAnswer::Missing));
        };
        let current = current.parse().map_err(|error: std::num::ParseIntError| {
            StoreError::new(StoreErrorKind::Corrupt, "version").because(error)
        })?;
        Ok(Judged::Answered(match self.on_duplicate {
            OnDuplicate::Accept if current == next => RowAnswer::Accepted { current },
            _ => RowAnswer::Mismatch { current },
        }))
    }

    async fn transition(
        &self,
        open: &mut dyn Open,
        column: &'static str,
        states: &'static [StateRow],
        (from, to): (usize, usize),
    ) -> Result<Judged, StoreError> {
        if open.exchange(self, column, states[from].stored, states[to].stored).await? {
            return Ok(Judged::Passed(None));
        }
        let Some(current) = open.peek(self, column).await? else {
            return Ok(Judged::Answered(RowAnswer::Missing));
        };
        let place = states.iter().position(|state| match state.stored {
            ColumnValue::Integer(number) => current == number.to_string(),
            ColumnValue::Text(text) => current == text,
        });
        Ok(Judged::Answered(match place {
            Some(place) if is_beyond(states, to, place) => {
                RowAnswer::AlreadyThere { current: states[place].name }
            }
            place => RowAnswer::Illegal {
                from: states[from].name,
                to: states[to].name,
                current: place.map_or(current, |place| states[place].name.to_owned()),
            },
        }))
    }
}
