//! The history of a key: whether an earlier owner may still wake.

use crate::store::record::Origin;

/// The history of a key. An owner from whom the key was taken may still wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succession {
    /// No earlier owner may wake: this one is the first, or all before it have ended.
    First,
    /// An earlier owner may still wake.
    TakenOver,
}

impl Succession {
    pub(super) fn of(origin: Origin) -> Self {
        if origin.taken_over { Self::TakenOver } else { Self::First }
    }
}
