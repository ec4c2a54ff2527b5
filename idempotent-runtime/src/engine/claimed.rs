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
    /// The function that claimed for it.
    pub definition: DefinitionId,
}

/// The result of a claim.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// The key is ours for the length of the lease.
    Acquired(Arc<Lease>),
    /// Another owner's lease holds.
    InProgress {
        /// The request that runs.
        first: FirstRequest,
        /// Of the owner.
        attempt: u64,
        /// When the lease would be over.
        retry_after: Duration,
    },
    /// It ran.
    Done {
        /// The request that ran.
        first: FirstRequest,
        /// Its outcome.
        outcome: Box<Outcome>,
    },
    /// The owner's lease is over and it left nothing behind.
    Abandoned {
        /// The request that was running.
        first: FirstRequest,
        /// The dead owner's, for [`Claimer::take_over`](crate::engine::Claimer::take_over).
        attempt: u64,
    },
    /// The key had to be issued beforehand and was not, or was cancelled.
    NotIssued,
}

impl Claimed {
    /// The attempt of the run that was found or may begin; 0 where that is over or unknown.
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
