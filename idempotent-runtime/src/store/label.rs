//! The readable parts of a storage key.

use crate::store::bytes::{Cursor, Undecodable, write_short};
use bytes::Bytes;
use std::fmt;

/// The readable parts of a storage key, for people: an operation and a key without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Bytes);

impl Label {
    /// A label of these parts; each is cut after 64 KiB.
    #[must_use]
    pub fn new(operation: &str, key: &str) -> Self {
        // Between characters: half of one could not be read back.
        let cut = |part: &str| part.floor_char_boundary(usize::from(u16::MAX));
        let (operation, key) = (&operation[..cut(operation)], &key[..cut(key)]);
        // The exact length: spare room would cost another allocation.
        let mut parts = Vec::with_capacity(4 + operation.len() + key.len());
        write_short(&mut parts, operation.as_bytes());
        write_short(&mut parts, key.as_bytes());
        Self(parts.into())
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
        label_parts(&self.0).unwrap_or_default()
    }

    /// The bytes that stand in a record.
    pub(in crate::store) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Decodes a label from the front of a record's bytes, and shares their memory.
    pub(in crate::store) fn decode(cursor: &mut Cursor) -> Result<Self, Undecodable> {
        let (operation, key) = label_parts(cursor.left()).ok_or(Undecodable)?;
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

/// The operation and the key at the front of these bytes, each behind its 16-bit length.
pub(in crate::store) fn label_parts(bytes: &[u8]) -> Option<(&str, &str)> {
    let (operation, rest) = short_text(bytes)?;
    let (key, _) = short_text(rest)?;
    Some((operation, key))
}

/// A text behind its 16-bit length, and the bytes that follow it.
fn short_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
