//! The address of a record, and its hash.

use crate::key::key_parts::{KeyParts, Length};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The parts that together name one record.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Keeps deployments apart that share a store.
    pub namespace: &'a str,
    /// The owner of the request.
    pub scope: &'a KeyParts,
    /// The guarded function.
    pub operation: &'a str,
    /// Method and concrete path, where the strategy is bound to a route.
    pub route: Option<(&'a str, &'a str)>,
    /// The key that makes two requests the same one.
    pub key: &'a KeyParts,
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
        let (method, path) = address.route.unwrap_or_default();
        let [namespace, operation, method, path] =
            [address.namespace, address.operation, method, path].map(str::as_bytes);
        let parts =
            [namespace, operation, method, path, address.scope.as_bytes(), address.key.as_bytes()];
        Self(hashed(&[Self::VERSION, u8::from(address.route.is_some())], parts))
    }

    /// Where something lies that belongs to this record: another place for each part.
    #[must_use]
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "of tasks, which are requests"))]
    pub(crate) fn beside(&self, part: &str) -> Self {
        // Neither of the two that an address has here.
        Self(hashed(&[Self::VERSION, 2], [part.as_bytes(), &self.0]))
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
pub struct ParseStorageKeyError;

impl FromStr for StorageKey {
    type Err = ParseStorageKeyError;

    fn from_str(digits: &str) -> Result<Self, ParseStorageKeyError> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let mut key = [0; 32];
        if pairs.len() != key.len() || !rest.is_empty() {
            return Err(ParseStorageKeyError);
        }
        for (byte, pair) in key.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(ParseStorageKeyError);
            let value = digit(pair[0])? * 16 + digit(pair[1])?;
            *byte = u8::try_from(value).map_err(|_| ParseStorageKeyError)?;
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

/// SHA-256 over some bytes, as many for all hashes of a kind, and parts, each behind its length, so that
/// neighbouring parts cannot be shifted into each other.
pub(crate) fn hashed<'a>(kind: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(kind);
    for part in parts {
        hash.update(Length::of(part.len()).as_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Writes bytes as lower-case hexadecimal digits.
///
/// Every command to a store writes its key: once, and not digit by digit.
pub(crate) fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.chunks(32).try_for_each(|bytes| {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text[..2 * bytes.len()]).map_err(|_| fmt::Error)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_storage_key_reads_as_it_is_written(bytes: [u8; 32]) {
            let key = StorageKey::from_bytes(bytes);
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let digits = digits.concat();
            prop_assert_eq!(key.to_string(), digits.clone());
            prop_assert_eq!(digits.parse(), Ok(key));
        }

        #[test]
        fn different_addresses_never_share_a_storage_key(
            parts in prop::array::uniform6("[ab:]{0,3}"),
            others in prop::array::uniform6("[ab:]{0,3}"),
            routed in any::<(bool, bool)>(),
        ) {
            let of = |parts: &[String; 6], routed: bool| StorageKey::of(&Address {
                namespace: &parts[0],
                scope: &KeyParts::new().value(&parts[1]),
                operation: &parts[2],
                route: routed.then_some((parts[3].as_str(), parts[4].as_str())),
                key: &KeyParts::new().value(&parts[5]),
            });
            let same = routed.0 == routed.1
                && (0..6).all(|part| parts[part] == others[part] || (!routed.0 && (part == 3 || part == 4)));
            prop_assert_eq!(same, of(&parts, routed.0) == of(&others, routed.1));
        }
    }
}
