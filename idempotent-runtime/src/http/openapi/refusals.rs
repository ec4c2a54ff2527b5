//! The table of problems that a guarded handler can answer with, by its policy.

use crate::http::answer::problem::ProblemKind;
use crate::policy::{
    Busy, FingerprintOf, GuardPlace, Identity, Keeps, KeyRequirement, OnAbandoned, OnDuplicate,
    Policy, Strategy,
};

/// Every kind, in the order of their declaration.
const KINDS: [ProblemKind; 29] = [
    ProblemKind::KeyMissing,
    ProblemKind::KeyInvalid,
    ProblemKind::ScopeMissing,
    ProblemKind::HostInvalid,
    ProblemKind::KeyReused,
    ProblemKind::InProgress,
    ProblemKind::VersionMissing,
    ProblemKind::VersionInvalid,
    ProblemKind::VersionMismatch,
    ProblemKind::IllegalTransition,
    ProblemKind::RowMissing,
    ProblemKind::Locked,
    ProblemKind::Duplicate,
    ProblemKind::TokenInvalid,
    ProblemKind::OutcomeUnknown,
    ProblemKind::NotReplayable,
    ProblemKind::StaleRequest,
    ProblemKind::RetryTooLate,
    ProblemKind::BodyTooLarge,
    ProblemKind::StoreUnavailable,
    ProblemKind::DatabaseRefused,
    ProblemKind::TaskMissing,
    ProblemKind::TaskStarted,
    ProblemKind::TaskCancelled,
    ProblemKind::TooManyRuns,
    ProblemKind::TooManyTasks,
    ProblemKind::ShuttingDown,
    ProblemKind::HandlerPanicked,
    ProblemKind::Misconfigured,
];

/// The problems that a handler of this policy can answer with.
pub(super) fn refusals(policy: &Policy) -> Vec<ProblemKind> {
    KINDS.into_iter().filter(|kind| can_give(policy, *kind)).collect()
}

/// The kind with this name.
pub(super) fn named(name: &str) -> Option<ProblemKind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}

/// Whether a handler of this policy can answer with this problem.
fn can_give(policy: &Policy, kind: ProblemKind) -> bool {
    use ProblemKind as P;
    let traits = policy.strategy.traits();
    let in_transaction = matches!(traits.guard, GuardPlace::Transaction | GuardPlace::Insert);
    let is_read = traits.guard == GuardPlace::Cache;
    let is_task = traits.guard == GuardPlace::Task;
    let is_keyed = policy.key_requirement != KeyRequirement::Unkeyed;
    let has_row =
        matches!(policy.strategy, Strategy::RowLock | Strategy::Version | Strategy::State);
    let remembers = is_keyed && traits.keeps == Keeps::Outcome && !is_read && !is_task;
    let excludes = has_row || remembers || traits.keeps == Keeps::Nothing;
    // Without a key the store is not asked, but a transaction is opened all the same.
    let begins = in_transaction || is_keyed && !is_read;
    let has_place = matches!(traits.identity, Identity::Route | Identity::Task);
    match kind {
        P::Misconfigured | P::HandlerPanicked => true,
        P::KeyMissing | P::KeyInvalid => is_keyed || has_row,
        P::ScopeMissing => traits.identity != Identity::Name && (is_keyed || is_read),
        P::HostInvalid => has_place && (is_keyed || is_read),
        P::KeyReused => (remembers || is_task) && policy.fingerprint != FingerprintOf::Nothing,
        P::InProgress => excludes && traits.busy == Busy::InProgress,
        P::Locked => excludes && traits.busy == Busy::Locked,
        P::Duplicate => remembers && policy.on_duplicate == OnDuplicate::Reject,
        P::NotReplayable => remembers,
        P::OutcomeUnknown => {
            in_transaction || remembers && policy.on_abandoned == OnAbandoned::Hold
        }
        P::TokenInvalid => traits.identity == Identity::Token,
        P::VersionMissing | P::VersionInvalid | P::VersionMismatch => {
            policy.strategy == Strategy::Version
        }
        P::IllegalTransition => policy.strategy == Strategy::State,
        P::RowMissing => has_row,
        P::StaleRequest => policy.within.is_some(),
        P::BodyTooLarge => {
            let is_compared = policy.fingerprint == FingerprintOf::Request;
            is_compared || policy.reads_form || traits.guard == GuardPlace::Insert
        }
        // A read runs even if the store does not answer. It is refused only if its record cannot be read.
        P::StoreUnavailable => begins || is_read,
        P::ShuttingDown => begins,
        P::TooManyRuns => begins && !is_task,
        P::TooManyTasks => is_task,
        P::DatabaseRefused => in_transaction,
        // The first belongs to an argument that is not a part of a policy, the others to the address of a task.
        P::RetryTooLate | P::TaskMissing | P::TaskStarted | P::TaskCancelled => false,
    }
}
