//! A row of the business database that guards a handler.

#![cfg_attr(
    not(all(feature = "actix", any(feature = "sqlite", feature = "postgres", feature = "mysql"))),
    allow(dead_code, reason = "handlers and databases read all of it, and either some of it")
)]

use crate::policy::states::StateRow;

/// Which row guards a handler, and how.
///
/// Names of tables and columns are plain identifiers, checked when the attribute is expanded.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(crate) table: &'static str,
    /// The column that names the row.
    pub(crate) id: &'static str,
    /// The column that names the row's owner, if nobody else may know of the row.
    pub(crate) owner: Option<&'static str>,
    pub(crate) guard: RowGuard,
}

/// The tags of `If-Match` that count, beside a strong one alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagRule {
    /// `*` and lists, also from a client whose retry nothing else tells from an update of its own.
    pub(crate) takes_several: bool,
    /// Weak ones.
    pub(crate) takes_weak: bool,
}

/// The way in which a row guards a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowGuard {
    /// It is locked until the transaction ends.
    Lock,
    /// It still has the version that the client saw, and gets the next.
    Version { column: &'static str, tags: TagRule },
    /// It is in one state, and goes to another.
    State {
        column: &'static str,
        states: &'static [StateRow],
        from: usize,
        to: usize,
        set: SetColumn,
    },
}

/// The moment at which the column of a state is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetColumn {
    /// Before the handler, which finds it as it will be.
    First,
    /// After it, which may have set it itself, with whatever else changes together with it.
    Last,
}

impl Row {
    /// A row that is locked while the handler runs.
    #[must_use]
    pub const fn locked(table: &'static str, id: &'static str) -> Self {
        Self { table, id, owner: None, guard: RowGuard::Lock }
    }

    /// A row whose version is compared and counted up.
    #[must_use]
    pub const fn versioned(table: &'static str, id: &'static str, column: &'static str) -> Self {
        let tags = TagRule { takes_several: false, takes_weak: false };
        Self { table, id, owner: None, guard: RowGuard::Version { column, tags } }
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
        Self {
            table,
            id,
            owner: None,
            guard: RowGuard::State { column, states, from, to, set: SetColumn::First },
        }
    }

    /// The column of the state is set after the handler. Defaults to before it.
    #[must_use]
    pub const fn set_last(mut self) -> Self {
        if let RowGuard::State { set, .. } = &mut self.guard {
            *set = SetColumn::Last;
        }
        self
    }

    /// `*` and lists of versions count also where a request has no key. Defaults to refusing them there.
    #[must_use]
    pub const fn taking_several_versions(mut self) -> Self {
        if let RowGuard::Version { tags, .. } = &mut self.guard {
            tags.takes_several = true;
        }
        self
    }

    /// Weak entity tags count like strong ones. Defaults to matching nothing.
    #[must_use]
    pub const fn taking_weak_tags(mut self) -> Self {
        if let RowGuard::Version { tags, .. } = &mut self.guard {
            tags.takes_weak = true;
        }
        self
    }

    /// The row exists only for the owner that this column names. Defaults to existing for everybody.
    #[must_use]
    pub const fn owned_by(mut self, column: &'static str) -> Self {
        self.owner = Some(column);
        self
    }
}
