//! Numbers by the names that they belong to, of which an app has few.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The most names that are told apart: an app has fewer routes.
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
    /// Those of a name, made at its first use.
    pub(super) fn of(&self, name: &str, make: impl FnOnce() -> N) -> Arc<N> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(name) {
            // Told once more than it is remembered, and still told.
            return Arc::new(make());
        }
        Arc::clone(known.entry(name.into()).or_insert_with(|| Arc::new(make())))
    }

    /// All that are known.
    #[cfg(any(test, feature = "inspector"))]
    pub(super) fn all(&self) -> Vec<Arc<N>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
