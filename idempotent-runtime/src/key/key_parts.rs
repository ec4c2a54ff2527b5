//! Text and values, joined so that two different lists of them never have the same bytes.

use std::fmt;

/// The most bytes of a label that are kept for people to read.
const LABEL_MAX: usize = 120;

/// The number of bytes that are allocated first: as many as most keys need. A request needs many pieces of
/// memory of 24 bytes and less, and allocators keep only few pieces of one size.
const ROOM: usize = 48;

/// Text and values in order, joined so that two different lists never have the same bytes.
///
/// Each segment is stored with its kind and its length. So `a:b` followed by `c` differs from `a` followed by
/// `b:c`, whatever the values hold.
///
/// ```
/// use idempotent_runtime::key::KeyParts;
///
/// let one = KeyParts::new().text("pay:").value("a:b").value("c");
/// let other = KeyParts::new().text("pay:").value("a").value("b:c");
/// assert_ne!(one, other);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct KeyParts {
    /// The input of hashes. Whether a value is secret makes no difference here.
    joined: Vec<u8>,
    /// The number of segments.
    segments: u32,
    /// The segments that no record may show: one bit for each of the first, and one bit for all others.
    secrets: u64,
}

/// The kinds of segments, each before its length and bytes.
const TEXT: u8 = b't';
const VALUE: u8 = b'v';

/// The bit of this segment in `secrets`.
fn bit(segment: u32) -> u64 {
    1 << segment.min(u64::BITS - 1)
}

impl KeyParts {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds literal text of a template.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.push(TEXT, text)
    }

    /// Adds a value that came with the request.
    #[must_use]
    pub fn value(self, value: &str) -> Self {
        self.push(VALUE, value)
    }

    /// Adds a value that no record may show, such as a credential or a token.
    #[must_use]
    pub fn secret(mut self, value: &str) -> Self {
        self.secrets |= bit(self.segments);
        self.push(VALUE, value)
    }

    /// The joined bytes, the input of hashes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.joined
    }

    /// The text of all segments, with secrets. Different lists may have the same text.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut whole = String::with_capacity(self.joined.len());
        let mut rest = &self.joined[..];
        while let Some((_, text, after)) = split(rest) {
            whole.push_str(text);
            rest = after;
        }
        whole
    }

    /// The text for people: at most 120 bytes, printable, with `(secret)` in place of each secret.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = String::with_capacity(LABEL_MAX);
        let mut rest = &self.joined[..];
        let mut segment = 0;
        while let Some((_, text, after)) = split(rest) {
            let shown = if self.secrets & bit(segment) == 0 { text } else { "(secret)" };
            (rest, segment) = (after, segment + 1);
            let plain = shown.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if plain && label.len() + shown.len() <= LABEL_MAX {
                label.push_str(shown);
                continue;
            }
            for shown in shown.chars() {
                let shown = if shown.is_control() { '\u{fffd}' } else { shown };
                if label.len() + shown.len_utf8() > LABEL_MAX {
                    return label;
                }
                label.push(shown);
            }
        }
        label
    }

    /// The last value, secret or not, as it came with the request. Empty if there is none.
    #[must_use]
    pub fn last_value(&self) -> &str {
        let mut last = "";
        let mut rest = &self.joined[..];
        while let Some((kind, text, after)) = split(rest) {
            rest = after;
            if kind != TEXT {
                last = text;
            }
        }
        last
    }

    /// The values alone, without literal text. None of them counts as secret.
    #[must_use]
    pub fn values(&self) -> Self {
        let mut values = Self::new();
        let mut rest = &self.joined[..];
        while let Some((kind, text, after)) = split(rest) {
            if kind != TEXT {
                values = values.value(text);
            }
            rest = after;
        }
        values
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    fn push(mut self, kind: u8, text: &str) -> Self {
        let length = Length::of(text.len());
        if self.joined.capacity() == 0 {
            self.joined.reserve_exact(ROOM.max(1 + length.as_bytes().len() + text.len()));
        }
        self.joined.push(kind);
        self.joined.extend_from_slice(length.as_bytes());
        self.joined.extend_from_slice(text.as_bytes());
        self.segments = self.segments.saturating_add(1);
        self
    }
}

/// The first segment's kind and text, and the segments after it.
fn split(joined: &[u8]) -> Option<(u8, &str, &[u8])> {
    let (kind, rest) = joined.split_first()?;
    let (length, rest) = Length::read(rest)?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((*kind, std::str::from_utf8(text).ok()?, rest))
}

/// A length in as few bytes as it needs, seven bits in each and the lowest first (LEB128). So the input of
/// hashes stays short, and two different lists never have the same bytes.
pub(super) struct Length {
    bytes: [u8; 10],
    used: usize,
}

impl Length {
    const MORE: u8 = 0x80;

    pub(super) fn of(mut length: usize) -> Self {
        let (mut bytes, mut used) = ([0; 10], 0);
        loop {
            let [low, ..] = length.to_le_bytes();
            length >>= 7;
            let more = if length == 0 { 0 } else { Self::MORE };
            bytes[used] = low & !Self::MORE | more;
            used += 1;
            if length == 0 {
                return Self { bytes, used };
            }
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// A length, and the bytes after it.
    fn read(from: &[u8]) -> Option<(usize, &[u8])> {
        let mut length = 0;
        for (place, byte) in from.iter().enumerate() {
            let part = usize::from(byte & !Self::MORE);
            length |= part.checked_shl(u32::try_from(7 * place).ok()?)?;
            if byte & Self::MORE == 0 {
                return Some((length, &from[place + 1..]));
            }
        }
        None
    }
}

impl fmt::Debug for KeyParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyParts").field(&self.label()).finish()
    }
}

impl From<&str> for KeyParts {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The pieces of a template: literal text, or a value.
    fn pieces() -> impl Strategy<Value = Vec<(bool, String)>> {
        prop::collection::vec((any::<bool>(), "[ab:/{}%\\x00é]{0,4}"), 0..5)
    }

    fn join(pieces: &[(bool, String)]) -> KeyParts {
        pieces.iter().fold(KeyParts::new(), |joined, (literal, text)| {
            if *literal { joined.text(text) } else { joined.value(text) }
        })
    }

    proptest! {
        #[test]
        fn different_lists_of_segments_never_have_the_same_bytes(one in pieces(), other in pieces()) {
            prop_assert_eq!(one == other, join(&one) == join(&other));
        }
    }

    #[test]
    fn a_length_is_read_as_it_was_written() {
        for length in (0..70_000).chain([1 << 32, usize::MAX / 2, usize::MAX]) {
            let mut bytes = Length::of(length).as_bytes().to_vec();
            assert_eq!(Length::read(&bytes[..bytes.len() - 1]), None, "{length} cut short");
            bytes.push(7);
            assert_eq!(Length::read(&bytes), Some((length, &[7][..])), "{length}");
        }
        assert_eq!(Length::read(&[Length::MORE; 20]), None);
    }

    #[test]
    fn a_secret_counts_in_full_and_is_never_shown() {
        let bearer = KeyParts::new().text("by ").secret("Bearer abcdef");
        assert_ne!(bearer, KeyParts::new().text("by ").secret("Bearer abcdeg"));
        assert_eq!(bearer.label(), "by (secret)");
        let many = (0..64).fold(KeyParts::new(), |all, _| all.value("v"));
        assert!(!many.clone().label().contains("secret"));
        assert!(many.secret("hidden").label().ends_with("v(secret)(secret)"));
    }

    /// Otherwise the keys of a handler would change when a name is added to the list of credentials.
    #[test]
    fn whether_a_value_is_secret_does_not_change_the_key() {
        let (shown, hidden) = (KeyParts::new().value("v"), KeyParts::new().secret("v"));
        assert_eq!(shown.as_bytes(), hidden.as_bytes());
    }

    #[test]
    fn a_label_is_bounded_and_free_of_control_characters() {
        let long = KeyParts::new().value(&"\u{1b}é".repeat(200));
        assert!(long.label().len() <= LABEL_MAX && !long.label().contains('\u{1b}'));
    }
}
