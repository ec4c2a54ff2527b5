//! The sealing keys of an app, if it has any.

#[cfg(feature = "seal")]
use crate::seal::keys::Keys;
use crate::seal::sealed::{NoRandomness, SealBinding, Sealed, Unopened};
use bytes::Bytes;
use std::sync::Arc;

#[cfg(not(feature = "seal"))]
use NoKeys as Keys;

/// The sealing keys, if there are any. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seal(Option<Arc<Keys>>);

/// The sealing keys of a build without the feature: there are none.
#[cfg(not(feature = "seal"))]
#[derive(Debug)]
enum NoKeys {}

impl Seal {
    #[cfg(feature = "seal")]
    pub(crate) fn new(keys: Keys) -> Self {
        Self(Some(Arc::new(keys)))
    }

    #[cfg(feature = "seal")]
    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.0.as_deref()
    }

    /// Whether labels are sealed, too.
    pub(crate) fn has_labels(&self) -> bool {
        self.0.as_ref().is_some_and(|keys| keys.has_labels())
    }

    /// Whether content that is not sealed is accepted.
    pub(crate) fn accepts_unsealed(&self) -> bool {
        self.0.as_ref().is_none_or(|keys| keys.accepts_unsealed())
    }

    /// Seals content of about `size` bytes. `None` if nothing is to be sealed.
    pub(crate) fn close(
        &self,
        binding: SealBinding,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Option<Sealed>, NoRandomness> {
        match &self.0 {
            Some(keys) if keys.is_sealing() => keys.close(binding, size, write).map(Some),
            _ => Ok(None),
        }
    }

    /// Opens sealed content.
    pub(crate) fn open(&self, sealed: &Sealed) -> Result<Bytes, Unopened> {
        let (id, _) = sealed.parts().ok_or(Unopened::Damaged)?;
        match &self.0 {
            Some(keys) => keys.open(sealed),
            None => Err(Unopened::UnknownKey(id.into())),
        }
    }
}

#[cfg(not(feature = "seal"))]
impl NoKeys {
    fn has_labels(&self) -> bool {
        match *self {}
    }

    fn accepts_unsealed(&self) -> bool {
        match *self {}
    }

    fn is_sealing(&self) -> bool {
        match *self {}
    }

    fn close(
        &self,
        _: SealBinding,
        _: usize,
        _: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sealed, NoRandomness> {
        match *self {}
    }

    fn open(&self, _: &Sealed) -> Result<Bytes, Unopened> {
        match *self {}
    }
}
