//! The address of a record, and its hash.

use crate::key::hash::hashed;
use crate::key::key_parts::KeyParts;
use crate::key::namespace::Namespace;
use std::fmt;
use std::str::FromStr;

/// The parts that together name one record.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Keeps apart deployments that share a store.
    pub namespace: &'a Namespace,
    /// The guard that keeps the record. No other guard finds it.
    pub guard: Guard,
    /// The scope of the request.
    pub scope: &'a KeyParts,
    /// Method and concrete path, if the route is a part of the identity. For answers that belong to a route's
    /// pattern, no method and the pattern.
    pub route: Option<(&'a str, &'a str)>,
    /// The operation, if it has a name, or if there is no route.
    pub operation: Option<&'a str>,
    /// The key that tells requests apart.
    pub key: &'a KeyParts,
}

/// The guard that keeps a record.
///
/// It is a part of the record's address. So a guard around a scope never replays a response that a handler
/// stored behind its own authorisation, and a message never meets a lock of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guard {
    /// An annotated handler.
    Handler,
    /// A middleware around an actix scope, inside this many other guards.
    Middleware {
        /// The number of guards around this one.
        depth: u8,
    },
    /// A one-time token.
    Token,
    /// A task.
    Task,
    /// An answer of a read that many callers get.
    Cache,
    /// A function that no request calls.
    Message,
    /// A lock.
    Lock,
}

impl Guard {
    /// Whether it guards an actix scope.
    #[cfg(feature = "actix")]
    pub(crate) const fn is_middleware(self) -> bool {
        matches!(self, Self::Middleware { .. })
    }

    /// Its bytes, in the hashed list and in a record.
    pub(crate) const fn as_bytes(self) -> [u8; 2] {
        match self {
            Self::Handler => [0, 0],
            Self::Middleware { depth } => [1, depth],
            Self::Token => [2, 0],
            Self::Task => [3, 0],
            Self::Cache => [4, 0],
            Self::Message => [5, 0],
            Self::Lock => [6, 0],
        }
    }

    /// The guard with these bytes, if there is one.
    pub(crate) const fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        Some(match bytes {
            [0, 0] => Self::Handler,
            [1, depth] => Self::Middleware { depth },
            [2, 0] => Self::Token,
            [3, 0] => Self::Task,
            [4, 0] => Self::Cache,
            [5, 0] => Self::Message,
            [6, 0] => Self::Lock,
            _ => return None,
        })
    }
}

/// The key of a record in the store: a BLAKE3 hash of the parts of an [`Address`], each with its length, and
/// of the namespace's secret if it has one.
///
/// Its length and its letters are fixed, so globs, delimiters, collations and truncation cannot make two keys
/// equal. `Display` writes 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    /// The format of the hashed list. After a change of it, no old record is found.
    const VERSION: u8 = 3;

    /// Hashes the parts of an address.
    #[must_use]
    pub fn of(address: &Address<'_>) -> Self {
        let Address { namespace, guard, scope, route, operation, key } = *address;
        let [guard, depth] = guard.as_bytes();
        // An absent part differs from an empty one.
        let present = u8::from(route.is_some()) | u8::from(operation.is_some()) << 1;
        let (method, path) = route.unwrap_or_default();
        let [name, method, path, operation] =
            [&*namespace.name, method, path, operation.unwrap_or_default()].map(str::as_bytes);
        let parts = [name, method, path, operation, scope.as_bytes(), key.as_bytes()];
        let hash = hashed(&[Self::VERSION, guard, depth, present], parts);
        Self(namespace.keyed(b'k', &hash).unwrap_or(hash))
    }

    /// The key of a value beside this record, another one for each part.
    #[must_use]
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "of tasks, which are requests"))]
    pub(crate) fn beside(&self, part: &str) -> Self {
        // No guard has this number.
        Self(hashed(&[Self::VERSION, u8::MAX, 0, 0], [part.as_bytes(), &self.0]))
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

    /// The first digits, which tell it from others in a log.
    pub(crate) const fn short(&self) -> ShortKey<'_> {
        ShortKey(self)
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

/// A storage key by its first digits.
pub(crate) struct ShortKey<'a>(&'a StorageKey);

impl fmt::Display for ShortKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0.0[..8])
    }
}

/// The text names no record: it is not 64 hexadecimal digits.
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

/// Writes bytes as lower-case hexadecimal digits.
///
/// Every command to a store writes a key, so this writes all digits at once.
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
            one in address(),
            other in address(),
        ) {
            prop_assert_eq!(one == other, key_of(&one) == key_of(&other));
        }
    }

    type Parts = (u8, [String; 3], Option<(String, String)>, Option<String>);

    fn address() -> impl Strategy<Value = Parts> {
        let part = "[ab:]{0,2}";
        let route = prop::option::of((part, part));
        (0..9_u8, prop::array::uniform3(part), route, prop::option::of(part))
    }

    fn key_of((guard, [namespace, scope, key], route, operation): &Parts) -> StorageKey {
        let guards = [
            Guard::Handler,
            Guard::Middleware { depth: 0 },
            Guard::Middleware { depth: 1 },
            Guard::Middleware { depth: 2 },
            Guard::Token,
            Guard::Task,
            Guard::Cache,
            Guard::Message,
            Guard::Lock,
        ];
        StorageKey::of(&Address {
            namespace: &Namespace::new(namespace),
            guard: guards[usize::from(*guard)],
            scope: &KeyParts::new().value(scope),
            route: route.as_ref().map(|(method, path)| (method.as_str(), path.as_str())),
            operation: operation.as_deref(),
            key: &KeyParts::new().value(key),
        })
    }
}
