//! The namespace of an app's records, and the secret for its storage keys.

use std::fmt;

/// Makes keys that are derived from a secret here differ from those that others derive from it.
const CONTEXT: &str = "idempotent-runtime 2026-11-30 storage keys and fingerprints";

/// Keeps apart the records of apps that share a store.
///
/// With a secret, storage keys and fingerprints are keyed hashes (BLAKE3, with a key derived from the
/// secret). Then a reader of the store cannot try scopes to find out whose record it is.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub(super) name: String,
    secret: Option<KeySecret>,
}

/// A secret, and the key derived from it.
#[derive(Clone)]
struct KeySecret {
    key: [u8; 32],
    length: usize,
}

impl Namespace {
    /// The namespace of this name, without a secret.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), secret: None }
    }

    pub(crate) fn set_name(&mut self, name: String) {
        self.name = name;
    }

    pub(crate) fn set_secret(&mut self, secret: &[u8]) {
        let key = blake3::derive_key(CONTEXT, secret);
        self.secret = Some(KeySecret { key, length: secret.len() });
    }

    /// The length of the secret in bytes, if there is one.
    pub(crate) fn secret_length(&self) -> Option<usize> {
        self.secret.as_ref().map(|secret| secret.length)
    }

    /// The keyed hash of a hash of this kind; `None` without a secret.
    pub(crate) fn keyed<const N: usize>(&self, kind: u8, hash: &[u8; N]) -> Option<[u8; 32]> {
        let KeySecret { key, .. } = self.secret.as_ref()?;
        // All inputs of one kind have one length, so bytes cannot move from one part to the next.
        let mut input = [kind; 64];
        input[1..=N].copy_from_slice(hash);
        Some(*blake3::keyed_hash(key, &input[..=N]).as_bytes())
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Address, Fingerprint, Guard, KeyParts, StorageKey};

    fn key_of(namespace: &Namespace, account: &str) -> StorageKey {
        StorageKey::of(&Address {
            namespace,
            guard: Guard::Handler,
            scope: &KeyParts::new().value(account),
            route: None,
            operation: None,
            key: &KeyParts::new().value("k"),
        })
    }

    fn with_secret(byte: u8) -> Namespace {
        let mut namespace = Namespace::new("shop");
        namespace.set_secret(&[byte; 32]);
        namespace
    }

    /// An attacker tries numbers of accounts.
    #[test]
    fn without_the_secret_nobody_finds_out_whose_a_record_is() {
        let plain = Namespace::new("shop");
        let stolen = |from: &Namespace| {
            let stolen = key_of(from, "17");
            (0..100).find(|account| key_of(&plain, &account.to_string()) == stolen)
        };
        assert_eq!((stolen(&plain), stolen(&with_secret(1))), (Some(17), None));
        assert_ne!(key_of(&with_secret(1), "17"), key_of(&with_secret(2), "17"));
        assert_eq!(key_of(&with_secret(1), "17"), key_of(&with_secret(1), "17"));
    }

    #[test]
    fn a_fingerprint_is_stored_as_a_keyed_hash_and_none_stays_none() {
        let plain = Fingerprint::of_request("POST", "/orders", "", b"{}");
        let kept = [with_secret(1), with_secret(2)].map(|namespace| plain.in_namespace(&namespace));
        assert!(kept[0] != kept[1] && !kept.contains(&plain));
        assert_eq!(plain.in_namespace(&Namespace::new("shop")), plain);
        assert_eq!(Fingerprint::NONE.in_namespace(&with_secret(1)), Fingerprint::NONE);
    }
}
