//! A look through all values of a store, page by page.

use crate::error::{StoreError, StoreErrorKind};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The place between two pages of one store: a short text, which only the store that gave it can read.
///
/// It goes through a command line or a link as it is: letters, digits, `-`, `.` and `_`, in our own stores. It
/// names no secret, lasts as long as its store, and holds nothing there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// A cursor of this text, for a store to make.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The error of a store that did not give this cursor.
    #[must_use]
    pub fn is_foreign(&self) -> StoreError {
        let shown: String = self.0.chars().take(80).collect();
        let why = format!("`{}` is not a cursor of this store", shown.escape_debug());
        StoreError::new(StoreErrorKind::Rejected, "browse").because(why)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cursor").field(&self.as_str()).finish()
    }
}

/// Takes any text; the store judges it.
impl FromStr for Cursor {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

/// A request for one page of a store's values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRequest {
    /// The end of the page before; the first page has none before it.
    pub after: Option<Cursor>,
    /// About how many values the page has at most. Zero counts as one.
    pub limit: u32,
    /// The values that are wanted.
    pub filter: PageFilter,
}

impl PageRequest {
    /// The first page, of about so many values at most.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit, filter: PageFilter::default() }
    }

    /// The same after this cursor, if there is one.
    #[must_use]
    pub fn after(self, after: impl Into<Option<Cursor>>) -> Self {
        Self { after: after.into(), ..self }
    }

    /// The same of what this filter lets through.
    #[must_use]
    pub fn only(self, filter: PageFilter) -> Self {
        Self { filter, ..self }
    }
}

/// A hint at the records that are wanted, by their readable columns. Empty, it lets everything through.
///
/// A store that has such columns may leave out what does not fit. Another may ignore it, so the caller looks
/// again at what it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageFilter {
    /// The guarded function.
    pub operation: Option<String>,
    /// `issued`, `in progress`, `completed` or `cancelled`, as the column `state` has it.
    pub state: Option<&'static str>,
}

impl PageFilter {
    /// The same, of records of this function.
    #[must_use]
    pub fn operation(self, operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..self }
    }

    /// The same, of records in this state, in the words of the column `state`.
    #[must_use]
    pub fn state(self, state: &'static str) -> Self {
        Self { state: Some(state), ..self }
    }

    /// Whether it lets everything through.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.operation.is_none() && self.state.is_none()
    }
}
