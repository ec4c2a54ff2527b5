//! A hash that two uses of one key must share to be the same request.

use crate::key::{KeyParts, Namespace, hashed, hex};
use std::fmt;

/// The first 128 bits of BLAKE3 over the parts that a repetition must have, too.
///
/// By default these are method, path, query and the bytes of the body. If two requests have one key and two
/// fingerprints, the client has made a mistake: the second request is refused, and learns nothing about the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint under a policy without fingerprints; it never equals a real one.
    pub const NONE: Self = Self([0; 16]);

    /// The fingerprint of a whole request.
    #[must_use]
    pub fn of_request(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        Self::of_parts(b'r', &[method.as_bytes(), path.as_bytes(), query.as_bytes(), body])
    }

    /// The fingerprint of the values that a template of the attribute names.
    #[must_use]
    pub fn of_segments(segments: &KeyParts) -> Self {
        Self::of_parts(b's', &[segments.as_bytes()])
    }

    /// The fingerprint with these bytes of a record.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn of_parts(kind: u8, parts: &[&[u8]]) -> Self {
        Self::of_hash(hashed(&[kind], parts.iter().copied()))
    }

    /// The fingerprint as a record of this namespace stores it.
    pub(crate) fn in_namespace(self, namespace: &Namespace) -> Self {
        if self == Self::NONE {
            return self;
        }
        namespace.keyed(b'f', &self.0).map_or(self, Self::of_hash)
    }

    fn of_hash(hash: [u8; 32]) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        Self(first)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0[..4])?;
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_moved_from_the_query_to_the_body_changes_the_fingerprint() {
        let one = Fingerprint::of_request("POST", "/orders", "a=1", b"2");
        let other = Fingerprint::of_request("POST", "/orders", "a=", b"12");
        assert_ne!(one, other);
    }

    #[test]
    fn queries_that_a_parser_might_confuse_stay_apart() {
        let of = |query| Fingerprint::of_request("POST", "/", query, b"");
        assert_ne!(of("a=&a=b&c="), of("a=&b=c&b="));
        assert_ne!(of("a=1&b=2"), of("b=2&a=1"));
    }
}
