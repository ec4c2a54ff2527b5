//! The namespace of an app's records, and the secret that storage keys are made with.

use crate::fingerprint::Fingerprint;
use crate::key::storage_key::StorageKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Keeps the records of apps apart that share a store.
///
/// With a secret, storage keys and fingerprints are HMACs (RFC 2104, with SHA-256): whoever reads a store
/// cannot find out whose a record is by trying scopes.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub(super) name: String,
    secret: Option<KeySecret>,
}

/// A secret, as it is used.
#[derive(Clone)]
struct KeySecret {
    mac: Hmac<Sha256>,
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
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
        let mac = Hmac::new_from_slice(secret).expect("a key of any length");
        self.secret = Some(KeySecret { mac, length: secret.len() });
    }

    /// The length of its secret, if it has one.
    pub(crate) fn secret_length(&self) -> Option<usize> {
        self.secret.as_ref().map(|secret| secret.length)
    }

    /// The storage key of a hash.
    pub(super) fn storage_key(&self, hash: [u8; 32]) -> StorageKey {
        StorageKey::from_bytes(match &self.secret {
            None => hash,
            Some(secret) => secret.of(b'k', &hash),
        })
    }

    /// A fingerprint as a record keeps it.
    pub(crate) fn fingerprint(&self, plain: Fingerprint) -> Fingerprint {
        match &self.secret {
            Some(secret) if plain != Fingerprint::NONE => {
                Fingerprint::of_hash(secret.of(b'f', plain.as_bytes()))
            }
            _ => plain,
        }
    }
}

impl KeySecret {
    fn of(&self, kind: u8, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(&[kind]);
        mac.update(bytes);
        mac.finalize().into_bytes().into()
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
    use crate::key::{Address, Guard, KeyParts};

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

    /// By trying numbers of accounts.
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
    fn a_fingerprint_is_kept_with_the_secret_in_it_and_none_stays_none() {
        let plain = Fingerprint::of_request("POST", "/orders", "", b"{}");
        let kept = [with_secret(1), with_secret(2)].map(|namespace| namespace.fingerprint(plain));
        assert!(kept[0] != kept[1] && !kept.contains(&plain));
        assert_eq!(Namespace::new("shop").fingerprint(plain), plain);
        assert_eq!(with_secret(1).fingerprint(Fingerprint::NONE), Fingerprint::NONE);
    }
}
