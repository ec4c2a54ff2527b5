//! The claiming party.

use crate::store::record::Owner;
use std::time::Duration;

/// The claiming party.
#[derive(Clone, Copy, Debug)]
pub struct Claimer {
    /// The owner, made before the claim. A second claim with the same owner gets the same lease.
    pub owner: Owner,
    /// When it claims, as time since 1970.
    pub now: Duration,
    /// The attempt to begin with, if the store does not know the key.
    pub first: u64,
    /// The attempt of a dead owner from whom the key may be taken.
    pub take_over: Option<u64>,
}

impl Claimer {
    /// A new claimer, which claims now. `now` is the time since 1970.
    pub(super) fn new(first: u64, now: Duration) -> Self {
        Self { owner: Owner::random(), now, first, take_over: None }
    }
}
