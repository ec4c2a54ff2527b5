//! Reads all values of a store, page by page.

use crate::error::{StoreError, StoreErrorKind};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The end of a page of one store: a short text, which only that store can read.
///
/// It can be passed through a command line or a link unchanged: in our own stores it has only letters,
/// digits, `-`, `.` and `_`. It shows no secret, stays valid as long as its store exists, and occupies no
/// memory there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(Box<str>);

impl Cursor {
    /// A cursor with this text. Only a store makes one.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The error for a cursor that the store did not make.
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

/// Accepts any text. The store checks it later.
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
    /// The end of the previous page; `None` for the first page.
    pub after: Option<Cursor>,
    /// The number of values that the page should not exceed by much. Zero counts as one.
    pub limit: u32,
    /// The values that are wanted.
    pub filter: PageFilter,
}

impl PageRequest {
    /// A request for the first page, of about this many values at most.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit, filter: PageFilter::default() }
    }

    /// The same request for the page after this cursor; for the first page if there is none.
    #[must_use]
    pub fn after(self, after: impl Into<Option<Cursor>>) -> Self {
        Self { after: after.into(), ..self }
    }

    /// The same request, only for values that this filter lets through.
    #[must_use]
    pub fn only(self, filter: PageFilter) -> Self {
        Self { filter, ..self }
    }
}

/// A hint to the records that are wanted, by their readable columns. An empty filter lets every record through.
///
/// A store with such columns may leave out records that do not match. Another store may ignore the filter, so
/// the caller checks every record that it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageFilter {
    /// The guarded function.
    pub operation: Option<String>,
    /// `issued`, `in progress`, `completed` or `cancelled`, as the column `state` has it.
    pub state: Option<&'static str>,
}

impl PageFilter {
    /// The same filter, only for records of this function.
    #[must_use]
    pub fn operation(self, operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..self }
    }

    /// The same filter, only for records in this state, as the column `state` names it.
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
