//! Sealed content, and the place to which it is bound.

use bytes::Bytes;
use std::fmt;

/// The most bytes of a key's id.
const LONGEST_ID: usize = 32;

/// The number of bytes that name this place.
const BINDING: usize = 1 + 32 + 32;

/// The place to which sealed content is bound: its kind, the key under which it is stored, and more parts of
/// its record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealBinding([u8; BINDING]);

impl SealBinding {
    /// The binding of content of this kind under this key. For one kind, `more` always has the same length.
    pub(crate) fn new(kind: u8, key: &[u8; 32], more: &[&[u8]]) -> Self {
        let mut bytes = [0; BINDING];
        let (head, tail) = bytes.split_at_mut(1 + key.len());
        head[0] = kind;
        head[1..].copy_from_slice(key);
        for (place, byte) in tail.iter_mut().zip(more.iter().copied().flatten()) {
            *place = *byte;
        }
        Self(bytes)
    }

    #[cfg(feature = "seal")]
    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Sealed content, as it was found. It is bound to its place, and opens nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(crate) binding: SealBinding,
    /// The id of the sealing key with its length before it, and the bytes that this key made of the content.
    pub(crate) bytes: Bytes,
}

impl Sealed {
    /// The id of the sealing key that sealed it; `None` if the bytes are damaged.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.parts().map(|(id, _)| id)
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The id, and the bytes after it.
    pub(super) fn parts(&self) -> Option<(&str, &[u8])> {
        let (length, rest) = self.bytes.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let id = str::from_utf8(id).ok().filter(|id| is_id(id))?;
        Some((id, rest))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, size) = (self.key_id(), self.size());
        f.debug_struct("Sealed").field("key_id", &id).field("size", &size).finish_non_exhaustive()
    }
}

/// Whether a text may be the id of a key. The id stands in every record, in logs and in traces.
pub(super) fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain)
}

/// The reason why sealed content does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// This process does not have its key.
    #[error("it is sealed with the key `{0}`, which this process does not have")]
    UnknownKey(Box<str>),
    /// Its key does not open it.
    #[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "there is no key"))]
    #[error(
        "the key `{0}` of this process does not open it: it was sealed with another key of this id, \
         changed, or put here from elsewhere"
    )]
    Refused(Box<str>),
    /// The content is not sealed.
    #[error("it is not sealed, but the keys do not allow that with `accept_unsealed`")]
    NotSealed,
    /// The bytes name no key, or the content is not one of ours.
    #[error("the sealed bytes are damaged")]
    Damaged,
}

/// The host gave no random bytes, so nothing can be sealed.
#[derive(Debug, thiserror::Error)]
#[error("the host gives no random bytes")]
pub(crate) struct NoRandomness;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        let long = "k".repeat(LONGEST_ID + 1);
        for (id, is_one) in [
            ("2026", true),
            ("a.B_c-9", true),
            (&long[1..], true),
            (&long, false),
            ("", false),
            ("a b", false),
            ("é", false),
            ("a\n", false),
        ] {
            assert_eq!(is_id(id), is_one, "{id:?}");
        }
    }

    /// The longest list of parts is not cut.
    #[test]
    fn every_byte_of_a_context_counts() {
        let bindings = [
            SealBinding::new(b'o', &[1; 32], &[&[1; 8], &[2; 24]]),
            SealBinding::new(b'p', &[1; 32], &[&[1; 8], &[2; 24]]),
            SealBinding::new(b'o', &[2; 32], &[&[1; 8], &[2; 24]]),
            SealBinding::new(b'o', &[1; 32], &[&[2; 8], &[2; 24]]),
            SealBinding::new(b'o', &[1; 32], &[&[1; 8], &[2; 23], &[3]]),
        ];
        for (n, one) in bindings.iter().enumerate() {
            assert_eq!(bindings.iter().position(|other| other == one), Some(n));
        }
    }
}
