//! The claiming party.

use crate::store::record::Owner;
use std::time::Duration;

/// The claiming party.
#[derive(Clone, Copy, Debug)]
pub struct Claimer {
    /// Made before the claim; claiming again as the same owner gives the same lease.
    pub owner: Owner,
    /// When it claims, as time since 1970.
    pub now: Duration,
    /// The attempt of a key that the store does not know.
    pub first: u64,
    /// Take the key from the dead owner of this attempt.
    pub take_over: Option<u64>,
}

impl Claimer {
    /// A new one, which claims at this moment, as time since 1970.
    pub(super) fn new(first: u64, now: Duration) -> Self {
        Self { owner: Owner::random(), now, first, take_over: None }
    }
}
