//! Sealed content, and what it is bound to.

use bytes::Bytes;
use std::fmt;

/// The most bytes of a key's id.
const LONGEST_ID: usize = 32;

/// The number of bytes that sealed content is bound to.
const BINDING: usize = 1 + 32 + 32;

/// The place that sealed content is bound to: its kind, the key that it is stored under, and more of its record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealBinding([u8; BINDING]);

impl SealBinding {
    /// Content of this kind under this key. Of one kind `more` has one length.
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

/// Content that is sealed, as it was found: bound to that place, it opens nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(crate) binding: SealBinding,
    /// The id of the key behind its length, and what that key makes of the content.
    pub(crate) bytes: Bytes,
}

impl Sealed {
    /// The id of the key that it is sealed with; none, if it is damaged.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.parts().map(|(id, _)| id)
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The id, and the rest.
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

/// Whether a text may name a key: it stands in every record, in logs and in traces.
pub(super) fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain)
}

/// Why something is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// Its key is not here.
    #[error("it is sealed with the key `{0}`, which this process does not have")]
    UnknownKey(Box<str>),
    /// Its key does not open it.
    #[cfg_attr(not(feature = "seal"), expect(dead_code, reason = "there is no key"))]
    #[error(
        "the key `{0}` of this process does not open it: it was sealed with another key of this id, \
         changed, or put here from elsewhere"
    )]
    Refused(Box<str>),
    /// It is not sealed.
    #[error("it is not sealed, and the keys do not say `accept_unsealed`")]
    NotSealed,
    /// It says no key, or what it contained is nothing of ours.
    #[error("the sealed bytes are damaged")]
    Damaged,
}

/// The host gave no random bytes, without which nothing is sealed.
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

    /// The longest of them is not cut.
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
