//! The meaning of a claim's answer under a policy: a pure function, tested as a table.

use crate::engine::claim::Claim;
use crate::engine::claimed::Claimed;
use crate::engine::definitions::Definitions;
use crate::engine::lease::Lease;
use crate::outcome::Outcome;
use crate::policy::{OnAbandoned, OnDuplicate, OnInFlight, Policy};
use std::sync::Arc;
use std::time::Duration;

/// The part of a policy that judges duplicates.
#[derive(Clone, Copy, Debug)]
pub struct DuplicateRules {
    /// The answer to a duplicate of a finished request.
    pub on_duplicate: OnDuplicate,
    /// The answer to a duplicate while the first runs.
    pub on_in_flight: OnInFlight,
    /// The fate of a key whose owner died.
    pub on_abandoned: OnAbandoned,
}

impl From<&Policy> for DuplicateRules {
    fn from(policy: &Policy) -> Self {
        Self {
            on_duplicate: policy.on_duplicate,
            on_in_flight: policy.on_in_flight,
            on_abandoned: policy.on_abandoned,
        }
    }
}

/// The next step for a request.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The request runs, under this lease.
    Run(Arc<Lease>),
    /// The request gets the stored outcome of the first run; never a tombstone.
    Replay(Box<Outcome>),
    /// The request is refused.
    Refuse(Refusal),
    /// The request waits for the first one, whose lease is over after this time.
    Wait(Duration),
    /// The request claims again, and takes the key from the dead owner of this attempt.
    TakeOver(u64),
}

/// Why a request does not run and gets no stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The key was used for another request.
    KeyReused,
    /// Another function of this process stored the record, so the outcome is of another operation.
    OtherDefinition,
    /// The same request still runs.
    InProgress {
        /// The longest time to wait before asking again.
        retry_after: Duration,
    },
    /// The same request finished, and the policy rejects duplicates.
    Duplicate,
    /// The token was never issued here, or has expired or was cancelled.
    TokenInvalid,
    /// The owner died, and a person has to decide what becomes of the key.
    OutcomeUnknown,
    /// The request ran, and its response cannot be sent again.
    NotReplayable,
    /// The process is about to end and takes no new work.
    Draining,
}

/// Judges what a claim found.
pub(crate) fn decide(
    claimed: Claimed,
    claim: &Claim,
    rules: DuplicateRules,
    definitions: &Definitions,
) -> Decision {
    if let Some(first) = claimed.first() {
        // This check comes first: a request that reuses a key for something else learns nothing about the
        // first request.
        if first.fingerprint != claim.fingerprint {
            return Decision::Refuse(Refusal::KeyReused);
        }
        // A function that this process does not know may be this one under its earlier name.
        if first.definition != claim.definition && definitions.knows(first.definition) {
            return Decision::Refuse(Refusal::OtherDefinition);
        }
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
        Claimed::Done { outcome, .. } => match (rules.on_duplicate, &*outcome) {
            (OnDuplicate::Reject, _) => Decision::Refuse(Refusal::Duplicate),
            (OnDuplicate::Replay | OnDuplicate::Accept, Outcome::Tombstone) => {
                Decision::Refuse(Refusal::NotReplayable)
            }
            (OnDuplicate::Replay | OnDuplicate::Accept, _) => Decision::Replay(outcome),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::claim::{self, Claimable};
    use crate::engine::claimed::FirstRequest;
    use crate::engine::claimer::Claimer;
    use crate::engine::definitions::RecordPlace;
    use crate::engine::lease::IfForgotten;
    use crate::fingerprint::Fingerprint;
    use crate::key::{Guard, StorageKey};
    use crate::outcome::StoredResponse;
    use crate::policy::{Definition, DefinitionId, Strategy};
    use crate::store::record::Owner;
    use crate::store::{Label, MemoryStore};
    use Expected::{Refuses, Replays, Returns, Runs, TakesOver, Waits};
    use OnAbandoned::{Hold, Retry};
    use OnDuplicate::{Reject, Replay};
    use bytes::Bytes;
    use futures_util::FutureExt;

    const OURS: Fingerprint = Fingerprint::from_bytes([1; 16]);
    const OTHER: Fingerprint = Fingerprint::from_bytes([2; 16]);
    const LEFT: Duration = Duration::from_millis(1234);
    const BUSY: Refusal = Refusal::InProgress { retry_after: LEFT };
    const DEAD: u64 = 7;

    /// Every kind of [`Claimed`]; each kind of outcome is one of its own.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Found {
        Free,
        Unknown,
        InFlight,
        Dead,
        Answer,
        Value,
        Tombstone,
    }

    const FOUND: [Found; 7] = [
        Found::Free,
        Found::Unknown,
        Found::InFlight,
        Found::Dead,
        Found::Answer,
        Found::Value,
        Found::Tombstone,
    ];

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Expected {
        Runs,
        Replays,
        Returns,
        Waits,
        TakesOver,
        Refuses(Refusal),
    }

    /// The record that was found, the policy values that matter, and the result for the same request. A row
    /// without a value holds for all values.
    type Row = (Found, Option<OnDuplicate>, Option<OnInFlight>, Option<OnAbandoned>, Expected);

    const TABLE: [Row; 12] = [
        (Found::Free, None, None, None, Runs),
        (Found::Unknown, None, None, None, Refuses(Refusal::TokenInvalid)),
        (Found::InFlight, None, Some(OnInFlight::Wait), None, Waits),
        (Found::InFlight, None, Some(OnInFlight::Reject), None, Refuses(BUSY)),
        (Found::Dead, None, None, Some(Retry), TakesOver),
        (Found::Dead, None, None, Some(Hold), Refuses(Refusal::OutcomeUnknown)),
        (Found::Answer, Some(Replay), None, None, Replays),
        (Found::Answer, Some(Reject), None, None, Refuses(Refusal::Duplicate)),
        (Found::Value, Some(Replay), None, None, Returns),
        (Found::Value, Some(Reject), None, None, Refuses(Refusal::Duplicate)),
        (Found::Tombstone, Some(Replay), None, None, Refuses(Refusal::NotReplayable)),
        (Found::Tombstone, Some(Reject), None, None, Refuses(Refusal::Duplicate)),
    ];

    fn answer() -> Outcome {
        let body = Bytes::from_static(b"first");
        Outcome::Response(StoredResponse { status: 201, headers: Vec::new(), body, is_cut: false })
    }

    fn value() -> Outcome {
        Outcome::Value(Bytes::from_static(b"7"))
    }

    fn claim() -> Claim {
        Claim {
            key: StorageKey::from_bytes([0; 32]),
            label: Label::new(Guard::Handler, "op", "key"),
            definition: DefinitionId::of("shop::create"),
            fingerprint: OURS,
            claimable: Claimable::Any,
            lease: LEFT,
            retention: LEFT,
            if_forgotten: IfForgotten::PutAgain,
        }
    }

    /// The result of claiming an unused key.
    fn acquired() -> Claimed {
        let (claim, now) = (claim(), Duration::ZERO);
        let by = Claimer { owner: Owner::random(), now, first: 1, take_over: None };
        let store = MemoryStore::new();
        let claimed = claim::claim(&store, &claim, &by).now_or_never();
        claimed.expect("memory answers at once").expect("memory answers")
    }

    fn claimed(found: Found, first: FirstRequest) -> Claimed {
        let done = |outcome| Claimed::Done { first, outcome: Box::new(outcome) };
        match found {
            Found::Free => acquired(),
            Found::Unknown => Claimed::NotIssued,
            Found::InFlight => Claimed::InProgress { first, attempt: DEAD, retry_after: LEFT },
            Found::Dead => Claimed::Abandoned { first, attempt: DEAD },
            Found::Answer => done(answer()),
            Found::Value => done(value()),
            Found::Tombstone => done(Outcome::Tombstone),
        }
    }

    fn decided(found: Found, fingerprint: Fingerprint, rules: DuplicateRules) -> Expected {
        let first = FirstRequest { fingerprint, definition: claim().definition };
        expected(found, first, rules, &Definitions::default())
    }

    fn expected(
        found: Found,
        first: FirstRequest,
        rules: DuplicateRules,
        definitions: &Definitions,
    ) -> Expected {
        match decide(claimed(found, first), &claim(), rules, definitions) {
            Decision::Run(lease) if lease.attempt() == 1 => Runs,
            Decision::Replay(outcome) if *outcome == answer() => Replays,
            Decision::Replay(outcome) if *outcome == value() => Returns,
            Decision::Wait(LEFT) => Waits,
            Decision::TakeOver(DEAD) => TakesOver,
            Decision::Refuse(refusal) => Refuses(refusal),
            other => panic!("{found:?} under {rules:?}: {other:?}"),
        }
    }

    fn every_policy() -> Vec<DuplicateRules> {
        let mut all = Vec::new();
        for on_duplicate in [Replay, Reject] {
            for on_in_flight in [OnInFlight::Reject, OnInFlight::Wait] {
                for on_abandoned in [Retry, Hold] {
                    all.push(DuplicateRules { on_duplicate, on_in_flight, on_abandoned });
                }
            }
        }
        all
    }

    #[test]
    fn the_same_request_gets_what_the_table_says_in_every_state_under_every_policy() {
        for (found, rules) in FOUND
            .into_iter()
            .flat_map(|found| every_policy().into_iter().map(move |rules| (found, rules)))
        {
            let rows: Vec<_> = TABLE
                .into_iter()
                .filter(|(row, duplicate, in_flight, abandoned, _)| {
                    *row == found
                        && duplicate.is_none_or(|value| value == rules.on_duplicate)
                        && in_flight.is_none_or(|value| value == rules.on_in_flight)
                        && abandoned.is_none_or(|value| value == rules.on_abandoned)
                })
                .collect();
            let [(.., expected)] = rows[..] else { panic!("{} rows for {found:?}", rows.len()) };
            assert_eq!(decided(found, OURS, rules), expected, "{found:?} under {rules:?}");
        }
    }

    /// A function that was renamed keeps its records. A function that still exists keeps its records
    /// for itself.
    #[test]
    fn a_record_of_another_function_is_refused_once_this_process_knows_that_function() {
        static OTHER: Policy =
            Policy::new(Definition::new("shop::other", "other", ""), Strategy::RequestId);
        let first = FirstRequest { fingerprint: OURS, definition: OTHER.definition.id() };
        let place = RecordPlace { guard: Guard::Handler, method: None, found_by: "elsewhere" };
        let (unknown, known) = (Definitions::default(), Definitions::default());
        known.claim(place, &OTHER).expect("it is the first");
        for found in FOUND.into_iter().skip(2) {
            for rules in every_policy() {
                let renamed = expected(found, first, rules, &unknown);
                assert_eq!(renamed, decided(found, OURS, rules), "{found:?} under {rules:?}");
                let refused = expected(found, first, rules, &known);
                assert_eq!(refused, Refuses(Refusal::OtherDefinition), "{found:?} under {rules:?}");
            }
        }
    }

    /// Invariant S6. An unused key has no first request to differ from.
    #[test]
    fn another_request_is_a_reuse_of_the_key_in_every_state_under_every_policy() {
        for found in FOUND.into_iter().skip(2) {
            for rules in every_policy() {
                for first in [OTHER, Fingerprint::NONE] {
                    let got = decided(found, first, rules);
                    assert_eq!(got, Refuses(Refusal::KeyReused), "{found:?} under {rules:?}");
                }
            }
        }
    }
}
