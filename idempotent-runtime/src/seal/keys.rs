//! The keys that content is sealed with.

use crate::seal::sealed::{NoRandomness, SealBinding, Sealed, Unopened, is_id};
use bytes::Bytes;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use std::fmt;
use zeroize::Zeroize;

const NONCE: usize = 24;
const TAG: usize = 16;

/// The keys that records are sealed with: one that seals, and others that open.
///
/// A key is 32 random bytes, equal on all hosts, with an id that stands in each record: 1 to 32 letters, digits, `.`, `_`
/// and `-`. A key is given a new id when it is changed. `Debug` shows ids alone, and keys are wiped from memory when they
/// are dropped.
///
/// A record of a key that is not here, one that does not open, and one that is not sealed are `store-unavailable`: they
/// are counted ([`Counts::unopened`](crate::observe::Counts::unopened)), and nothing runs.
#[derive(Clone)]
#[must_use = "keys do nothing before a builder's `seal` has them"]
pub struct Keys {
    /// The first one seals.
    all: Vec<SealKey>,
    is_sealing: bool,
    accepts_unsealed: bool,
    has_labels: bool,
}

#[derive(Clone)]
struct SealKey {
    id: Box<str>,
    /// Boxed, so that moves leave no copies behind. It wipes itself.
    cipher: Box<XChaCha20Poly1305>,
}

/// Why keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// An id could not stand in a record.
    #[error("`{0}` is not an id of a key: use 1 to 32 letters, digits, `.`, `_` and `-`")]
    Id(String),
    /// Two keys have one id, and records do not say which is meant.
    #[error("two keys have the id `{0}`: give each its own")]
    Twice(String),
}

impl Keys {
    /// This key seals and opens.
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Self {
        let all = vec![SealKey::new(id.into(), key)];
        Self { all, is_sealing: true, accepts_unsealed: false, has_labels: false }
    }

    /// This key opens what it sealed before: keep it for a ttl after the last process that sealed with it.
    pub fn previous(mut self, id: impl Into<String>, key: [u8; 32]) -> Self {
        self.all.push(SealKey::new(id.into(), key));
        self
    }

    /// This key opens what newer processes seal, while they and this one run side by side: all have to know a key
    /// before the first seals with it.
    pub fn next(self, id: impl Into<String>, key: [u8; 32]) -> Self {
        self.previous(id, key)
    }

    /// Seals the readable key of records, too. Defaults to leaving it readable.
    ///
    /// Whoever has no key, such as a database shell or the command line, sees `(sealed)` in its place. The operation
    /// stays readable.
    pub fn labels(mut self) -> Self {
        self.has_labels = true;
        self
    }

    /// Takes records that are not sealed, as they were written before there were keys. Defaults to refusing them.
    ///
    /// For one ttl after sealing began: whoever can write to the store can put a record of their own there meanwhile.
    pub fn accept_unsealed(mut self) -> Self {
        self.accepts_unsealed = true;
        self
    }

    /// Opens, and seals nothing; takes records that are not sealed. For the time before the first process seals and
    /// after the last one did, so that processes with keys and without run side by side.
    pub fn write_unsealed(mut self) -> Self {
        self.is_sealing = false;
        self.accept_unsealed()
    }

    /// Whether ids can stand in records.
    pub(crate) fn check(&self) -> Result<(), KeysError> {
        for (n, SealKey { id, .. }) in self.all.iter().enumerate() {
            if !is_id(id) {
                return Err(KeysError::Id(id.escape_debug().to_string()));
            }
            if self.all[..n].iter().any(|before| before.id == *id) {
                return Err(KeysError::Twice(id.to_string()));
            }
        }
        Ok(())
    }

    pub(super) const fn is_sealing(&self) -> bool {
        self.is_sealing
    }

    pub(super) const fn accepts_unsealed(&self) -> bool {
        self.accepts_unsealed
    }

    pub(super) const fn has_labels(&self) -> bool {
        self.has_labels
    }

    /// Seals what is written: the key's id behind its length, a nonce of its own, the content, its tag.
    pub(super) fn close(
        &self,
        binding: SealBinding,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sealed, NoRandomness> {
        let SealKey { id, cipher } = &self.all[0];
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
        let mut out = Vec::with_capacity(1 + id.len() + NONCE + size + TAG);
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(&nonce);
        let content = out.len();
        write(&mut out);
        let (nonce, bound_to) = (XNonce::from(nonce), binding.as_bytes());
        let sealed = cipher.encrypt_inout_detached(&nonce, bound_to, (&mut out[content..]).into());
        // It refuses 256 GiB.
        let tag = sealed.map_err(|_| NoRandomness)?;
        out.extend_from_slice(&tag);
        Ok(Sealed { binding, bytes: out.into() })
    }

    /// Opens what is sealed.
    pub(super) fn open(&self, sealed: &Sealed) -> Result<Bytes, Unopened> {
        let (id, rest) = sealed.parts().ok_or(Unopened::Damaged)?;
        let key = self.all.iter().find(|key| *key.id == *id);
        let key = key.ok_or_else(|| Unopened::UnknownKey(id.into()))?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unopened::Damaged)?;
        let (content, tag) = rest.split_last_chunk::<TAG>().ok_or(Unopened::Damaged)?;
        let mut content = content.to_vec();
        let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
        let bound_to = sealed.binding.as_bytes();
        key.cipher
            .decrypt_inout_detached(&nonce, bound_to, (&mut content[..]).into(), &tag)
            .map_err(|_| Unopened::Refused(id.into()))?;
        Ok(content.into())
    }
}

impl SealKey {
    fn new(id: String, mut key: [u8; 32]) -> Self {
        let cipher = Box::new(XChaCha20Poly1305::new((&key).into()));
        key.zeroize();
        Self { id: id.into(), cipher }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.all.iter().map(|key| &key.id).collect();
        f.debug_struct("Keys").field("ids", &ids).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"card 4242 4242 4242 4242";

    fn binding(attempt: u8) -> SealBinding {
        SealBinding::new(b'o', &[7; 32], &[&[attempt]])
    }

    fn closed(keys: &Keys) -> Sealed {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(CONTENT);
        keys.close(binding(1), CONTENT.len(), write).unwrap()
    }

    #[test]
    fn what_is_sealed_shows_nothing_and_comes_back_as_it_was() {
        let keys = Keys::new("a", [1; 32]);
        let (one, other) = (closed(&keys), closed(&keys));
        assert_ne!(one, other, "each has a nonce of its own");
        assert!(!one.bytes.windows(4).any(|shown| CONTENT.windows(4).any(|part| part == shown)));
        assert_eq!((keys.open(&one), one.key_id()), (Ok(Bytes::from_static(CONTENT)), Some("a")));
    }

    #[test]
    fn a_byte_that_differs_opens_nothing() {
        let keys = Keys::new("a", [1; 32]).previous("b", [2; 32]);
        let sealed = closed(&keys);
        for (at, bit) in (0..sealed.bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = sealed.bytes.to_vec();
            bytes[at] ^= 1 << bit;
            let changed = Sealed { bytes: bytes.into(), ..sealed.clone() };
            assert!(keys.open(&changed).is_err(), "bit {bit} of byte {at}");
        }
        for end in 0..sealed.bytes.len() {
            let cut = Sealed { bytes: sealed.bytes.slice(..end), ..sealed.clone() };
            assert!(keys.open(&cut).is_err(), "cut after {end}");
        }
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_alone() {
        let keys = Keys::new("a", [1; 32]);
        let moved = Sealed { binding: binding(2), ..closed(&keys) };
        assert_eq!(keys.open(&moved), Err(Unopened::Refused("a".into())));
    }

    #[test]
    fn a_key_opens_under_its_own_id_alone() {
        let old = closed(&Keys::new("old", [1; 32]));
        assert!(Keys::new("new", [2; 32]).previous("old", [1; 32]).open(&old).is_ok());
        assert!(Keys::new("older", [3; 32]).next("old", [1; 32]).open(&old).is_ok());
        let told = |keys: Keys| keys.open(&old);
        assert_eq!(told(Keys::new("new", [1; 32])), Err(Unopened::UnknownKey("old".into())));
        assert_eq!(told(Keys::new("old", [2; 32])), Err(Unopened::Refused("old".into())));
    }

    #[test]
    fn ids_that_records_cannot_tell_apart_are_refused() {
        let keys = |first: &str, second: &str| Keys::new(first, [1; 32]).previous(second, [2; 32]);
        assert_eq!(keys("a", "b").check(), Ok(()));
        assert_eq!(keys("a", "a").check(), Err(KeysError::Twice("a".to_owned())));
        assert_eq!(keys("a", "b c").check(), Err(KeysError::Id("b c".to_owned())));
        assert_eq!(keys("", "b").check(), Err(KeysError::Id(String::new())));
    }

    #[test]
    fn keys_show_their_ids_alone() {
        let keys = Keys::new("a", [0xab; 32]).previous("b", [0xcd; 32]);
        assert_eq!(format!("{keys:?}"), r#"Keys { ids: ["a", "b"], .. }"#);
    }
}
