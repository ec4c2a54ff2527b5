//! The history of a key: whether owners may still wake that had it before.

use crate::store::record::Origin;

/// The history of a key: an owner that somebody took it from may still wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Succession {
    /// None: it is the first, or came after those that ended.
    First,
    /// One may.
    TakenOver,
}

impl Succession {
    pub(super) fn of(origin: Origin) -> Self {
        if origin.taken_over { Self::TakenOver } else { Self::First }
    }
}
