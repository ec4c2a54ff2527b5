//! Numbers by name, for the few names that an app has.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most names that are remembered. An app has fewer routes.
pub(super) const MOST: usize = 4096;

/// Numbers by their names.
#[derive(Debug)]
pub(super) struct Named<N>(RwLock<HashMap<Box<str>, Arc<N>, foldhash::fast::RandomState>>);

impl<N> Default for Named<N> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<N> Named<N> {
    /// The numbers of a name. They are made at its first use.
    pub(super) fn of(&self, name: &str, make: impl FnOnce() -> N) -> Arc<N> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(name) {
            // The name is not remembered, but its numbers are still exported.
            return Arc::new(make());
        }
        Arc::clone(known.entry(name.into()).or_insert_with(|| Arc::new(make())))
    }

    /// The numbers of all names that are remembered.
    #[cfg(any(test, feature = "inspector"))]
    pub(super) fn all(&self) -> Vec<Arc<N>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
