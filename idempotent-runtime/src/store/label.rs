//! The readable parts of a storage key.

use crate::key::Guard;
use crate::store::bytes::{FieldReader, Undecodable, Uuid, field_size, read_number, write_field};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

/// The readable parts of a storage key, for people: a guard, an operation and a key without secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(Bytes);

/// The text that people see in place of a sealed key.
pub(in crate::store) const SEALED_LABEL: &str = "(sealed)";

/// The bit in the guard's byte that marks a sealed key.
const IS_SEALED: u8 = 0x80;
/// The bit in the guard's byte that marks a key which is a UUID in its usual spelling. Only its number is stored.
const IS_UUID: u8 = 0x40;

impl Label {
    /// A label of these parts. Each text is cut after 64 KiB.
    #[must_use]
    pub fn new(guard: Guard, operation: &str, key: &str) -> Self {
        // Cut between characters, since a part of one could not be read back.
        let cut = |part: &str| part.floor_char_boundary(usize::from(u16::MAX));
        let operation = &operation[..cut(operation)];
        match Uuid::of(key) {
            Some(uuid) => Self::of(guard.as_bytes(), operation, LabelKey::Uuid(uuid)),
            None => Self::of(guard.as_bytes(), operation, LabelKey::Text(&key[..cut(key)])),
        }
    }

    /// A label whose key is sealed; `key` are the sealed bytes.
    pub(in crate::store) fn sealed(guard: Guard, operation: &str, key: &[u8]) -> Self {
        let cut = operation.floor_char_boundary(usize::from(u16::MAX));
        Self::of(guard.as_bytes(), &operation[..cut], LabelKey::Sealed(key))
    }

    fn of([guard, depth]: [u8; 2], operation: &str, key: LabelKey<'_>) -> Self {
        // Exactly this length, since more room would cost another allocation.
        let mut parts = Vec::with_capacity(size(operation, key));
        parts.extend_from_slice(&[guard | key.flag(), depth]);
        write_field(&mut parts, operation.as_bytes());
        match key {
            LabelKey::Text(text) => write_field(&mut parts, text.as_bytes()),
            LabelKey::Sealed(bytes) => write_field(&mut parts, bytes),
            LabelKey::Uuid(uuid) => parts.extend_from_slice(uuid.as_bytes()),
        }
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

    /// The key as it was read, without secrets; `(sealed)` if it is sealed.
    #[must_use]
    pub fn key(&self) -> Cow<'_, str> {
        self.parts().map_or(Cow::Borrowed(""), |parts| parts.key.shown())
    }

    /// The bytes of a sealed key.
    pub(in crate::store) fn sealed_key(&self) -> Option<Bytes> {
        match self.parts()?.key {
            LabelKey::Sealed(bytes) => Some(self.0.slice_ref(bytes)),
            LabelKey::Text(_) | LabelKey::Uuid(_) => None,
        }
    }

    fn parts(&self) -> Option<LabelParts<'_>> {
        LabelParts::read(&self.0)
    }

    /// The bytes as they stand in a record.
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

/// The size of a label in bytes: the guard, and each text with its length before it.
fn size(operation: &str, key: LabelKey<'_>) -> usize {
    let key = match key {
        LabelKey::Text(text) => field_size(text.len()),
        LabelKey::Sealed(bytes) => field_size(bytes.len()),
        LabelKey::Uuid(_) => Uuid::SIZE,
    };
    2 + field_size(operation.len()) + key
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
    Uuid(Uuid),
}

impl<'a> LabelKey<'a> {
    /// The key in a form for people.
    pub(in crate::store) fn shown(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Sealed(_) => SEALED_LABEL.into(),
            Self::Uuid(uuid) => uuid.to_string().into(),
        }
    }

    const fn flag(self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Sealed(_) => IS_SEALED,
            Self::Uuid(_) => IS_UUID,
        }
    }
}

impl<'a> LabelParts<'a> {
    /// Reads the guard and the two texts at the front of these bytes, each with its length before it.
    pub(in crate::store) fn read(bytes: &'a [u8]) -> Option<Self> {
        let ([guard, depth], rest) = bytes.split_first_chunk()?;
        let flag = guard & (IS_SEALED | IS_UUID);
        let guard = Guard::from_bytes([guard & !flag, *depth])?;
        let (operation, rest) = short_field(rest)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let key = match flag {
            IS_UUID => LabelKey::Uuid(Uuid::from_bytes(*rest.first_chunk()?)),
            IS_SEALED => LabelKey::Sealed(short_field(rest)?.0),
            0 => LabelKey::Text(text(short_field(rest)?.0)?),
            _ => return None,
        };
        Some(Self { guard, operation: text(operation)?, key })
    }
}

/// A field with its length before it, and the bytes after it.
fn short_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, at) = read_number(bytes)?;
    let length = u16::try_from(length).ok()?;
    bytes[at..].split_at_checked(usize::from(length))
}
