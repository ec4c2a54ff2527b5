//! What a claim's answer means under a policy: a pure function, tested as a table.

use crate::engine::claim::Claimed;
use crate::engine::lease::Lease;
use crate::fingerprint::Fingerprint;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::{OnAbandoned, OnDuplicate, OnInFlight, Policy};
use std::time::Duration;

/// The part of a policy that judges duplicates.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// What a duplicate of a finished request gets.
    pub on_duplicate: OnDuplicate,
    /// What a duplicate gets while the first runs.
    pub on_in_flight: OnInFlight,
    /// What happens to a key whose owner died.
    pub on_abandoned: OnAbandoned,
}

impl From<&Policy> for Rules {
    fn from(policy: &Policy) -> Self {
        Self {
            on_duplicate: policy.on_duplicate,
            on_in_flight: policy.on_in_flight,
            on_abandoned: policy.on_abandoned,
        }
    }
}

/// What is to be done about a request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It runs, under this lease.
    Run(Box<Lease>),
    /// It gets the first response again.
    Replay(Box<StoredResponse>),
    /// It gets a refusal.
    Refuse(Refusal),
    /// It waits for the first, whose lease would be over after this long.
    Wait(Duration),
    /// It claims again, taking the key from the dead owner of this attempt.
    TakeOver(u64),
}

/// Why a request does not run and gets no stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The key was used for another request.
    KeyReused,
    /// The same request still runs.
    InProgress {
        /// When it is worth asking again, at the latest.
        retry_after: Duration,
    },
    /// The same request finished, and the policy rejects duplicates.
    Duplicate,
    /// The token was never issued here, or is over.
    TokenInvalid,
    /// The owner died, and a person has to say what became of it.
    OutcomeUnknown,
    /// It ran, and its response cannot be given again.
    NotReplayable,
    /// The process is about to end and takes no new work.
    Draining,
}

/// Judges what a claim found.
pub fn decide(claimed: Claimed, fingerprint: Fingerprint, rules: Rules) -> Decision {
    // Before anything else: a key used for another request learns nothing about the first.
    if claimed.fingerprint().is_some_and(|first| first != fingerprint) {
        return Decision::Refuse(Refusal::KeyReused);
    }
    match claimed {
        Claimed::Acquired(lease) => Decision::Run(lease),
        Claimed::NotIssued => Decision::Refuse(Refusal::TokenInvalid),
        Claimed::InProgress { retry_after, .. } => match rules.on_in_flight {
            OnInFlight::Wait => Decision::Wait(retry_after),
            OnInFlight::Reject => Decision::Refuse(Refusal::InProgress { retry_after }),
        },
        Claimed::Abandoned { attempt, .. } => match rules.on_abandoned {
            OnAbandoned::Retry => Decision::TakeOver(attempt),
            OnAbandoned::Hold => Decision::Refuse(Refusal::OutcomeUnknown),
        },
        Claimed::Done { outcome, .. } => match (rules.on_duplicate, *outcome) {
            (OnDuplicate::Reject, _) => Decision::Refuse(Refusal::Duplicate),
            (OnDuplicate::Replay, Outcome::Response(response)) => {
                Decision::Replay(Box::new(response))
            }
            (OnDuplicate::Replay, Outcome::Tombstone) => Decision::Refuse(Refusal::NotReplayable),
        },
    }
}

impl Claimed {
    /// The fingerprint of the request that came first, if another did.
    const fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Acquired(_) | Self::NotIssued => None,
            Self::InProgress { fingerprint, .. }
            | Self::Done { fingerprint, .. }
            | Self::Abandoned { fingerprint, .. } => Some(*fingerprint),
        }
    }
}
