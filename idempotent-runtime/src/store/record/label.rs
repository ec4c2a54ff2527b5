//! The readable parts of a storage key.

use crate::store::cursor::{Cursor, put_short};
use crate::store::record::Undecodable;
use bytes::Bytes;
use std::fmt;

/// The readable parts of a storage key, kept for people: an operation and a key without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Bytes);

impl Label {
    /// A label of these parts; what is over 64 KiB is cut.
    #[must_use]
    pub fn new(operation: &str, key: &str) -> Self {
        // Between characters: half of one could not be read back.
        let cut = |part: &str| part.floor_char_boundary(usize::from(u16::MAX));
        let (operation, key) = (&operation[..cut(operation)], &key[..cut(key)]);
        // Exactly: spare room would cost another allocation.
        let mut parts = Vec::with_capacity(4 + operation.len() + key.len());
        put_short(&mut parts, operation.as_bytes());
        put_short(&mut parts, key.as_bytes());
        Self(parts.into())
    }

    /// As they stand in a record.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The guarded function.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.parts().0
    }

    /// The key as it was read, without secrets.
    #[must_use]
    pub fn key(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        labelled(&self.0).unwrap_or_default()
    }

    /// Takes a label off the front, sharing its memory.
    pub(super) fn take(cursor: &mut Cursor) -> Result<Self, Undecodable> {
        let left = cursor.left();
        let (operation, key) = labelled(left).ok_or(Undecodable)?;
        let length = 4 + operation.len() + key.len();
        Ok(Self(cursor.take(length)?))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Label")
            .field("operation", &self.operation())
            .field("key", &self.key())
            .finish()
    }
}

/// Two texts, each behind its 16-bit length.
pub(super) fn labelled(bytes: &[u8]) -> Option<(&str, &str)> {
    let (operation, rest) = short(bytes)?;
    let (key, _) = short(rest)?;
    Some((operation, key))
}

/// A text behind its 16-bit length, and what follows it.
fn short(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
