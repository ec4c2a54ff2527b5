//! What makes two requests the same request, and where its record lives.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// How many bytes of a label are kept for people to read.
const LABEL_MAX: usize = 120;

/// Text and values in order, joined so that no two different lists read alike.
///
/// Every segment goes in with its kind and its length, so `a:b` followed by `c` and `a` followed
/// by `b:c` are two things, whatever the values hold.
///
/// ```
/// use idempotent_runtime::Segments;
///
/// let one = Segments::new().text("pay:").value("a:b").value("c");
/// let other = Segments::new().text("pay:").value("a").value("b:c");
/// assert_ne!(one, other);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Segments(Vec<u8>);

/// The kinds of segments, each before its length and bytes.
const TEXT: u8 = b't';
const VALUE: u8 = b'v';
const SECRET: u8 = b's';

impl Segments {
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
    pub fn secret(self, value: &str) -> Self {
        self.push(SECRET, value)
    }

    /// The joined form, the input of hashes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text of all segments, secrets included; lists that differ may read alike.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut whole = String::with_capacity(self.0.len());
        let mut rest = &self.0[..];
        while let Some((_, text, after)) = split(rest) {
            whole.push_str(text);
            rest = after;
        }
        whole
    }

    /// What a person may read of it: at most 120 bytes, printable, `(secret)` for secrets.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = String::with_capacity(self.0.len().min(LABEL_MAX));
        let mut rest = &self.0[..];
        while let Some((kind, text, after)) = split(rest) {
            let shown = if kind == SECRET { "(secret)" } else { text };
            rest = after;
            if label.len() + shown.len() <= LABEL_MAX && !shown.chars().any(char::is_control) {
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

    /// The values alone, without literal text and whether they are secret or not.
    #[must_use]
    pub fn values(&self) -> Self {
        let mut values = Self::new();
        let mut rest = &self.0[..];
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
        self.0.is_empty()
    }

    fn push(mut self, kind: u8, text: &str) -> Self {
        self.0.reserve_exact(PREFIX + text.len());
        self.0.push(kind);
        self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }
}

/// A kind and a length.
const PREFIX: usize = 1 + 8;

/// The first segment's kind and text, and what follows it.
fn split(joined: &[u8]) -> Option<(u8, &str, &[u8])> {
    let (kind, rest) = joined.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((*kind, std::str::from_utf8(text).ok()?, rest))
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Segments").field(&self.label()).finish()
    }
}

impl From<&str> for Segments {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

/// The parts that together name one record.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Keeps deployments apart that share a store.
    pub namespace: &'a str,
    /// Whose request this is.
    pub scope: &'a Segments,
    /// The guarded function.
    pub operation: &'a str,
    /// Method and concrete path, where the strategy is bound to a route.
    pub route: Option<(&'a str, &'a str)>,
    /// What makes two requests the same one.
    pub key: &'a Segments,
}

/// Where a record lives: SHA-256 over the length-prefixed parts of an [`Address`].
///
/// Its fixed length and alphabet leave nothing for globs, delimiters, collations or truncation to
/// work on. `Display` gives 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    /// The format of the hashed list; a change makes every old record unreachable.
    const VERSION: u8 = 1;

    /// Hashes the parts of an address.
    #[must_use]
    pub fn of(address: &Address<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update([Self::VERSION, u8::from(address.route.is_some())]);
        let (method, path) = address.route.unwrap_or_default();
        for part in [address.namespace, address.operation, method, path] {
            absorb(&mut hash, part.as_bytes());
        }
        absorb(&mut hash, address.scope.as_bytes());
        absorb(&mut hash, address.key.as_bytes());
        Self(hash.finalize().into())
    }

    /// Where something lies that belongs to this record: another place for each part.
    #[must_use]
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "of tasks, which are requests"))]
    pub(crate) fn beside(&self, part: &str) -> Self {
        let mut hash = Sha256::new();
        // Neither of the two that an address has here.
        hash.update([Self::VERSION, 2]);
        absorb(&mut hash, part.as_bytes());
        absorb(&mut hash, &self.0);
        Self(hash.finalize().into())
    }

    /// A key with these bytes, for tests of stores.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

/// A text that names no record: not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a storage key is 64 hexadecimal digits, as in the log and in the store")]
pub struct NotAKey;

impl FromStr for StorageKey {
    type Err = NotAKey;

    fn from_str(digits: &str) -> Result<Self, NotAKey> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let mut key = [0; 32];
        if pairs.len() != key.len() || !rest.is_empty() {
            return Err(NotAKey);
        }
        for (byte, pair) in key.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(NotAKey);
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| NotAKey)?;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0[..4])?;
        f.write_str("…")
    }
}

/// Feeds one part with its length, so that neighbouring parts cannot be shifted into each other.
pub(crate) fn absorb(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A template's pieces: literal text or a value.
    fn pieces() -> impl Strategy<Value = Vec<(bool, String)>> {
        prop::collection::vec((any::<bool>(), "[ab:/{}%\\x00é]{0,4}"), 0..5)
    }

    fn join(pieces: &[(bool, String)]) -> Segments {
        pieces.iter().fold(Segments::new(), |joined, (literal, text)| {
            if *literal { joined.text(text) } else { joined.value(text) }
        })
    }

    proptest! {
        #[test]
        fn different_lists_of_segments_never_join_alike(one in pieces(), other in pieces()) {
            prop_assert_eq!(one == other, join(&one) == join(&other));
        }

        #[test]
        fn different_addresses_never_share_a_storage_key(
            parts in prop::array::uniform6("[ab:]{0,3}"),
            others in prop::array::uniform6("[ab:]{0,3}"),
            routed in any::<(bool, bool)>(),
        ) {
            let of = |parts: &[String; 6], routed: bool| StorageKey::of(&Address {
                namespace: &parts[0],
                scope: &Segments::new().value(&parts[1]),
                operation: &parts[2],
                route: routed.then_some((parts[3].as_str(), parts[4].as_str())),
                key: &Segments::new().value(&parts[5]),
            });
            let same = routed.0 == routed.1
                && (0..6).all(|part| parts[part] == others[part] || (!routed.0 && (part == 3 || part == 4)));
            prop_assert_eq!(same, of(&parts, routed.0) == of(&others, routed.1));
        }
    }

    #[test]
    fn a_secret_counts_in_full_and_is_never_shown() {
        let bearer = Segments::new().text("by ").secret("Bearer abcdef");
        assert_ne!(bearer, Segments::new().text("by ").secret("Bearer abcdeg"));
        assert_eq!(bearer.label(), "by (secret)");
    }

    #[test]
    fn a_label_is_bounded_and_free_of_control_characters() {
        let long = Segments::new().value(&"\u{1b}é".repeat(200));
        assert!(long.label().len() <= LABEL_MAX && !long.label().contains('\u{1b}'));
    }
}
