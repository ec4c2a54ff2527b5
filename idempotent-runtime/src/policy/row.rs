//! A row of the business database that guards a handler.

#![cfg_attr(
    not(all(feature = "actix", any(feature = "sqlite", feature = "postgres", feature = "mysql"))),
    allow(dead_code, reason = "handlers and databases read all of it, and either some of it")
)]

use crate::policy::states::StateRow;

/// The row that guards a handler, and the way in which it does.
///
/// Names of tables and columns are plain identifiers. The attribute checks them when it is expanded.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(crate) table: &'static str,
    /// The column that names the row.
    pub(crate) id: &'static str,
    /// The column that names the row's owner, if the row does not exist for other callers.
    pub(crate) owner: Option<&'static str>,
    pub(crate) guard: RowGuard,
}

/// The tags in `If-Match` that count, besides a single strong one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagRule {
    /// `*` and lists, even if the request has no key, so that its retry looks like a new update.
    pub(crate) takes_several: bool,
    /// Weak tags.
    pub(crate) takes_weak: bool,
}

/// The way in which a row guards a handler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowGuard {
    /// The row is locked until the transaction ends.
    Lock,
    /// The row must still have the version that the client saw, and gets the next version.
    Version { column: &'static str, tags: TagRule },
    /// The row must be in one state, and goes to another.
    State {
        column: &'static str,
        states: &'static [StateRow],
        from: usize,
        to: usize,
        set: SetColumn,
    },
}

/// The moment at which the state's column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetColumn {
    /// Before the handler, so that it finds the new state.
    First,
    /// After the handler, which may set the column itself, together with other columns that change with it.
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

    /// Sets the state's column after the handler. Defaults to before it.
    #[must_use]
    pub const fn set_last(mut self) -> Self {
        if let RowGuard::State { set, .. } = &mut self.guard {
            *set = SetColumn::Last;
        }
        self
    }

    /// Accepts `*` and lists of versions even if a request has no key. Defaults to refusing them then.
    #[must_use]
    pub const fn taking_several_versions(mut self) -> Self {
        if let RowGuard::Version { tags, .. } = &mut self.guard {
            tags.takes_several = true;
        }
        self
    }

    /// Accepts weak entity tags like strong ones. Defaults to matching none of them.
    #[must_use]
    pub const fn taking_weak_tags(mut self) -> Self {
        if let RowGuard::Version { tags, .. } = &mut self.guard {
            tags.takes_weak = true;
        }
        self
    }

    /// Lets the row exist only for the owner that this column names. Defaults to every caller.
    #[must_use]
    pub const fn owned_by(mut self, column: &'static str) -> Self {
        self.owner = Some(column);
        self
    }
}
