//! A row of the business database that guards a handler.

#![cfg_attr(
    not(all(feature = "actix", any(feature = "sqlite", feature = "postgres", feature = "mysql"))),
    allow(dead_code, reason = "handlers and databases read all of it, and either some of it")
)]

/// Which row guards a handler, and how.
///
/// Names of tables and columns are plain identifiers, checked when the attribute is expanded.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(crate) table: &'static str,
    /// The column that names the row.
    pub(crate) id: &'static str,
    pub(crate) guard: RowGuard,
}

/// The way in which a row guards a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowGuard {
    /// It is locked until the transaction ends.
    Lock,
    /// It still has the version that the client saw, and gets the next.
    Version { column: &'static str },
    /// It is in one state, and goes to another.
    State { column: &'static str, states: &'static [StateRow], from: usize, to: usize },
}

/// One state of a thing, and where it can go from there; `#[derive(States)]` makes a table of them.
#[derive(Clone, Copy, Debug)]
pub struct StateRow {
    /// For people.
    pub name: &'static str,
    /// As its column holds it.
    pub stored: ColumnValue,
    /// The places in the table of the states that may follow.
    pub next: &'static [usize],
}

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnValue {
    /// A number.
    Integer(i64),
    /// A word.
    Text(&'static str),
}

impl Row {
    /// A row that is locked while the handler runs.
    #[must_use]
    pub const fn locked(table: &'static str, id: &'static str) -> Self {
        Self { table, id, guard: RowGuard::Lock }
    }

    /// A row whose version is compared and counted up.
    #[must_use]
    pub const fn versioned(table: &'static str, id: &'static str, column: &'static str) -> Self {
        Self { table, id, guard: RowGuard::Version { column } }
    }

    /// A row that goes from one state to another.
    #[must_use]
    pub const fn in_state(
        table: &'static str,
        id: &'static str,
        column: &'static str,
        states: &'static [StateRow],
        (from, to): (usize, usize),
    ) -> Self {
        Self { table, id, guard: RowGuard::State { column, states, from, to } }
    }
}

/// Whether one state may follow another, as declared.
#[must_use]
pub const fn may_follow(states: &[StateRow], from: usize, to: usize) -> bool {
    let next = states[from].next;
    let mut place = 0;
    while place < next.len() {
        if next[place] == to {
            return true;
        }
        place += 1;
    }
    false
}

/// Whether a state is another one, or can be reached from it.
pub(crate) fn is_beyond(states: &[StateRow], start: usize, sought: usize) -> bool {
    let mut seen = vec![false; states.len()];
    let mut open = vec![start];
    while let Some(place) = open.pop() {
        if place == sought {
            return true;
        }
        if !std::mem::replace(&mut seen[place], true) {
            open.extend(states[place].next);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// created → paid → completed; created → cancelled.
    const STATES: [StateRow; 4] = [
        StateRow { name: "created", stored: ColumnValue::Text("created"), next: &[1, 3] },
        StateRow { name: "paid", stored: ColumnValue::Text("paid"), next: &[2] },
        StateRow { name: "completed", stored: ColumnValue::Text("completed"), next: &[] },
        StateRow { name: "cancelled", stored: ColumnValue::Text("cancelled"), next: &[] },
    ];

    #[test]
    fn only_declared_transitions_may_follow() {
        let allowed = [(0, 1), (0, 3), (1, 2)];
        for from in 0..4 {
            for to in 0..4 {
                assert_eq!(may_follow(&STATES, from, to), allowed.contains(&(from, to)));
            }
        }
    }

    #[test]
    fn what_can_be_reached_is_beyond_and_a_circle_ends() {
        assert!(is_beyond(&STATES, 1, 1) && is_beyond(&STATES, 1, 2) && is_beyond(&STATES, 0, 2));
        assert!(!is_beyond(&STATES, 1, 0) && !is_beyond(&STATES, 1, 3));
        let circle = |next| StateRow { name: "", stored: ColumnValue::Integer(0), next };
        assert!(!is_beyond(&[circle(&[1]), circle(&[0]), circle(&[])], 0, 2));
    }
}
