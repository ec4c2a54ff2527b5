//! The readable parts of a storage key.

use crate::key::Guard;
use crate::store::bytes::{FieldReader, Undecodable, field_size, read_number, write_field};
use bytes::Bytes;
use std::fmt;

/// The readable parts of a storage key, for people: a guard, an operation and a key without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Bytes);

impl Label {
    /// A label of these parts; each text is cut after 64 KiB.
    #[must_use]
    pub fn new(guard: Guard, operation: &str, key: &str) -> Self {
        // Between characters: half of one could not be read back.
        let cut = |part: &str| part.floor_char_boundary(usize::from(u16::MAX));
        let (operation, key) = (&operation[..cut(operation)], &key[..cut(key)]);
        // The exact length: spare room would cost another allocation.
        let mut parts = Vec::with_capacity(size(operation, key));
        parts.extend_from_slice(&guard.as_bytes());
        write_field(&mut parts, operation.as_bytes());
        write_field(&mut parts, key.as_bytes());
        Self(parts.into())
    }

    /// The guard that keeps the record.
    #[must_use]
    pub fn guard(&self) -> Guard {
        self.parts().map_or(Guard::Handler, |parts| parts.guard)
    }

    /// The guarded function.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.parts().map_or("", |parts| parts.operation)
    }

    /// The key as it was read, without secrets.
    #[must_use]
    pub fn key(&self) -> &str {
        self.parts().map_or("", |parts| parts.key)
    }

    fn parts(&self) -> Option<LabelParts<'_>> {
        LabelParts::read(&self.0)
    }

    /// The bytes that stand in a record.
    pub(in crate::store) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Decodes a label from the front of a record's bytes, and shares their memory.
    pub(in crate::store) fn decode(fields: &mut FieldReader) -> Result<Self, Undecodable> {
        let LabelParts { operation, key, .. } =
            LabelParts::read(fields.left()).ok_or(Undecodable)?;
        let length = size(operation, key);
        Ok(Self(fields.take(length)?))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Label")
            .field("guard", &self.guard())
            .field("operation", &self.operation())
            .field("key", &self.key())
            .finish()
    }
}

/// The size of a label of these texts, in bytes: the guard, and each text behind its length.
fn size(operation: &str, key: &str) -> usize {
    2 + field_size(operation.len()) + field_size(key.len())
}

/// The parts of a label.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct LabelParts<'a> {
    pub(in crate::store) guard: Guard,
    pub(in crate::store) operation: &'a str,
    pub(in crate::store) key: &'a str,
}

impl<'a> LabelParts<'a> {
    /// Reads the guard and the two texts at the front of these bytes, each behind its length.
    pub(in crate::store) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (guard, rest) = bytes.split_first_chunk()?;
        let guard = Guard::from_bytes(*guard)?;
        let (operation, rest) = short_text(rest)?;
        let (key, _) = short_text(rest)?;
        Some(Self { guard, operation, key })
    }
}

/// A text behind its length, and the bytes that follow it.
fn short_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, at) = read_number(bytes)?;
    let length = u16::try_from(length).ok()?;
    let (text, rest) = bytes[at..].split_at_checked(usize::from(length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
