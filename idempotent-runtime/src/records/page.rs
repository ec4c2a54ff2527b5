//! A page of records, and the place where the next one begins.

use crate::engine::{KeptIn, RecordView};
use crate::store::Cursor;
use std::fmt;
use std::str::FromStr;

/// A page of records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordPage {
    /// The records that match. A page may have fewer than were asked for, or none, even if it is not the last.
    pub records: Vec<RecordView>,
    /// The start of the next page; `None` after the last.
    pub next: Option<RecordCursor>,
}

/// The place between two pages. The pages of the store come first, then those of the business database.
///
/// It is a short text that can be passed through a command line or a link unchanged. A text that no page
/// returned is refused when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCursor {
    pub(super) place: KeptIn,
    /// `None` is the beginning.
    pub(super) after: Option<Cursor>,
}

impl RecordCursor {
    pub(super) const fn beginning(place: KeptIn) -> Self {
        Self { place, after: None }
    }
}

const STORE: &str = "store";
const DATABASE: &str = "database";

impl fmt::Display for RecordCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.place {
            KeptIn::Store => STORE,
            KeptIn::Database => DATABASE,
        })?;
        self.after.as_ref().map_or(Ok(()), |after| write!(f, ":{after}"))
    }
}

/// A text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor begins with `store` or `database`: use one that a page returned")]
pub struct ParseRecordCursorError;

impl FromStr for RecordCursor {
    type Err = ParseRecordCursorError;

    fn from_str(text: &str) -> Result<Self, ParseRecordCursorError> {
        let (place, after) = match text.split_once(':') {
            Some((place, after)) => (place, Some(Cursor::new(after))),
            None => (text, None),
        };
        let place = match place {
            STORE => KeptIn::Store,
            DATABASE => KeptIn::Database,
            _ => return Err(ParseRecordCursorError),
        };
        Ok(Self { place, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_is_written() {
        for text in ["store", "store:", "store:ab:c", "database", "database:00ff"] {
            assert_eq!(text.parse::<RecordCursor>().unwrap().to_string(), text);
        }
        for text in ["", ":", "stored", "Store:1"] {
            assert_eq!(text.parse::<RecordCursor>(), Err(ParseRecordCursorError), "{text}");
        }
    }
}
