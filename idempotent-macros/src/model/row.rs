//! The business row that guards a handler.

use crate::model::policy::Setting;
use crate::model::template::Template;
use syn::Path;

/// The row that guards the handler, and the condition it has to meet.
pub(crate) enum Row {
    None,
    Locked(RowName),
    Versioned {
        row: RowName,
        column: String,
        /// The version that the client saw. `If-Match` has it if there is no template.
        version: Option<Template>,
        tags: TagRule,
    },
    InState {
        row: RowName,
        column: String,
        from: Path,
        to: Path,
        set: SetColumn,
    },
}

/// The tags of `If-Match` that are taken beside a single strong one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TagRule {
    /// Whether `*` and lists are taken without a key, too.
    pub(crate) takes_several: bool,
    pub(crate) takes_weak: bool,
}

/// When the column of a state is set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetColumn {
    First,
    Last,
}

/// The address of a row.
pub(crate) struct RowName {
    pub(crate) table: String,
    /// The column that names the row.
    pub(crate) column: String,
    pub(crate) id: Template,
    /// The owner that the row must have, if it has one.
    pub(crate) owner: Option<RowOwner>,
}

/// The owner of a row. For other callers the row does not exist.
pub(crate) struct RowOwner {
    /// The column that names the owner.
    pub(crate) column: String,
    pub(crate) value: Template,
}

impl Row {
    /// The address of the row, if there is a row.
    pub(crate) const fn name(&self) -> Option<&RowName> {
        match self {
            Self::None => None,
            Self::Locked(row) | Self::Versioned { row, .. } | Self::InState { row, .. } => {
                Some(row)
            }
        }
    }
}

/// The function that answers when the handler's insert violates a unique index.
pub(crate) enum Existing {
    None,
    Function {
        path: Path,
        /// The index that counts; any, if it is not given.
        constraint: Setting<String>,
    },
}
