//! The readable parts of a storage key.

use crate::key::Guard;
use crate::store::bytes::{FieldReader, Undecodable, field_size, read_number, write_field};
use bytes::Bytes;
use std::fmt;

/// The readable parts of a storage key, for people: a guard, an operation and a key without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Bytes);

/// The key of a label that is sealed, for people.
pub(in crate::store) const SEALED_LABEL: &str = "(sealed)";

/// The bit of a guard whose label is sealed.
const IS_SEALED: u8 = 0x80;

impl Label {
    /// A label of these parts; each text is cut after 64 KiB.
    #[must_use]
    pub fn new(guard: Guard, operation: &str, key: &str) -> Self {
        // Between characters: half of one could not be read back.
        let cut = |part: &str| part.floor_char_boundary(usize::from(u16::MAX));
        Self::of(guard.as_bytes(), &operation[..cut(operation)], &key.as_bytes()[..cut(key)])
    }

    /// A label whose key is sealed, a few bytes that name no key.
    pub(in crate::store) fn sealed(guard: Guard, operation: &str, key: &[u8]) -> Self {
        let [guard, depth] = guard.as_bytes();
        let cut = operation.floor_char_boundary(usize::from(u16::MAX));
        Self::of([guard | IS_SEALED, depth], &operation[..cut], key)
    }

    fn of(guard: [u8; 2], operation: &str, key: &[u8]) -> Self {
        // The exact length: spare room would cost another allocation.
        let mut parts = Vec::with_capacity(size(operation, key));
        parts.extend_from_slice(&guard);
        write_field(&mut parts, operation.as_bytes());
        write_field(&mut parts, key);
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

    /// The key as it was read, without secrets; `(sealed)` in its place, if it is sealed.
    #[must_use]
    pub fn key(&self) -> &str {
        self.parts().map_or("", |parts| parts.key.shown())
    }

    /// The bytes of a key that is sealed.
    pub(in crate::store) fn sealed_key(&self) -> Option<Bytes> {
        match self.parts()?.key {
            LabelKey::Sealed(bytes) => Some(self.0.slice_ref(bytes)),
            LabelKey::Text(_) => None,
        }
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
        let length = size(operation, key.as_bytes());
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
fn size(operation: &str, key: &[u8]) -> usize {
    2 + field_size(operation.len()) + field_size(key.len())
}

/// The parts of a label.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct LabelParts<'a> {
    pub(in crate::store) guard: Guard,
    pub(in crate::store) operation: &'a str,
    pub(in crate::store) key: LabelKey<'a>,
}

/// The key of a label.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum LabelKey<'a> {
    Text(&'a str),
    Sealed(&'a [u8]),
}

impl<'a> LabelKey<'a> {
    /// The key for people.
    pub(in crate::store) const fn shown(self) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Sealed(_) => SEALED_LABEL,
        }
    }

    const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Sealed(bytes) => bytes,
        }
    }
}

impl<'a> LabelParts<'a> {
    /// Reads the guard and the two texts at the front of these bytes, each behind its length.
    pub(in crate::store) fn read(bytes: &'a [u8]) -> Option<Self> {
        let ([guard, depth], rest) = bytes.split_first_chunk()?;
        let is_sealed = guard & IS_SEALED != 0;
        let guard = Guard::from_bytes([guard & !IS_SEALED, *depth])?;
        let (operation, rest) = short_field(rest)?;
        let (key, _) = short_field(rest)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let key = if is_sealed { LabelKey::Sealed(key) } else { LabelKey::Text(text(key)?) };
        Some(Self { guard, operation: text(operation)?, key })
    }
}

/// A field behind its length, and the bytes that follow it.
fn short_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, at) = read_number(bytes)?;
    let length = u16::try_from(length).ok()?;
    bytes[at..].split_at_checked(usize::from(length))
}
