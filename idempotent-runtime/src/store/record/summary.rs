//! The readable columns of a record, for people with a database shell.

use crate::store::browse::PageFilter;
use crate::store::label::LabelParts;
use crate::store::record::layout::{
    BEFORE_LABEL, CANCELLED, CUT_RESPONSE, IN_PROGRESS, ISSUED, RESPONSE, SEALED, TOMBSTONE, VALUE,
    VERSION,
};
use std::borrow::Cow;

/// The parts of a record that people may read. Empty for bytes that are not a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The guarded function.
    pub operation: &'a str,
    /// The key as it was read, without secrets.
    pub label: Cow<'a, str>,
    /// `issued`, `in progress`, `completed` or `cancelled`.
    pub state: &'static str,
}

impl<'a> Summary<'a> {
    /// The summary of a stored value.
    #[must_use]
    pub fn of(value: &'a [u8]) -> Self {
        Self::read(value).unwrap_or_default()
    }

    /// Whether a filter lets a record with these columns through.
    pub(crate) fn passes(&self, filter: &PageFilter) -> bool {
        filter.operation.as_ref().is_none_or(|operation| operation == self.operation)
            && filter.state.is_none_or(|state| state == self.state)
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let [VERSION, tag, rest @ ..] = value else { return None };
        let state = match *tag {
            ISSUED => "issued",
            IN_PROGRESS => "in progress",
            RESPONSE | CUT_RESPONSE | TOMBSTONE | VALUE | SEALED => "completed",
            CANCELLED => "cancelled",
            _ => return None,
        };
        let LabelParts { operation, key, .. } = LabelParts::read(rest.get(BEFORE_LABEL..)?)?;
        Some(Self { operation, label: key.shown(), state })
    }
}
