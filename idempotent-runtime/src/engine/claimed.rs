//! The result of a claim.

use crate::engine::lease::Lease;
use crate::fingerprint::Fingerprint;
use crate::outcome::Outcome;
use crate::policy::DefinitionId;
use std::sync::Arc;
use std::time::Duration;

/// The request that came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstRequest {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// The function that made its claim.
    pub definition: DefinitionId,
}

/// The result of a claim.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// The key is ours for the length of the lease.
    Acquired(Arc<Lease>),
    /// Another owner has the key, and its lease holds.
    InProgress {
        /// The request that runs.
        first: FirstRequest,
        /// The attempt of the owner.
        attempt: u64,
        /// The time after which the lease is over, unless it is renewed.
        retry_after: Duration,
    },
    /// The request ran to its end.
    Done {
        /// The request that ran.
        first: FirstRequest,
        /// Its outcome.
        outcome: Box<Outcome>,
    },
    /// The owner's lease is over, and no outcome was stored.
    Abandoned {
        /// The request that was running.
        first: FirstRequest,
        /// The attempt of the dead owner, for
        /// [`Claimer::take_over`](crate::engine::Claimer::take_over).
        attempt: u64,
    },
    /// The key had to be issued beforehand. It was not, or it was cancelled.
    NotIssued,
}

impl Claimed {
    /// The attempt of the run that was found or may begin; 0 if the run is over or none is known.
    pub(super) fn attempt(&self) -> u64 {
        match self {
            Self::Acquired(lease) => lease.attempt(),
            Self::InProgress { attempt, .. } | Self::Abandoned { attempt, .. } => *attempt,
            Self::Done { .. } | Self::NotIssued => 0,
        }
    }

    /// The request that came first, if another did.
    pub(super) const fn first(&self) -> Option<FirstRequest> {
        match self {
            Self::Acquired(_) | Self::NotIssued => None,
            Self::InProgress { first, .. }
            | Self::Done { first, .. }
            | Self::Abandoned { first, .. } => Some(*first),
        }
    }
}
