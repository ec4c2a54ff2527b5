//! A run of a guarded function, from its claim to its end.
//!
//! A caller may drop its future at any await. A conversation with the store that has begun then goes on in a
//! task of its own: a claim that nobody uses is given back, and a value whose storing has begun is stored.

use crate::engine::{Admission, ClaimRequest, Completion, Detached, Engine, Execution, spawn};
use crate::error::{StoreError, StoreErrorKind};
use crate::message::delivered::{CallEnding, DeliveredCalls};
use crate::message::error::MessageError;
use crate::observe::Outage;
use crate::outcome::Outcome;
use crate::policy::{OnAbandoned, Policy};
use crate::setup::Base;
use crate::switch::Recording;
use crate::transaction::{
    self, BusinessDatabase, Committed, Effects, Plan, TransactionAdmission, TransactionRun,
    TxSettings, TxSlot,
};
use bytes::Bytes;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

/// A call whose key is known and will be claimed.
pub(super) struct MessageClaim {
    pub(super) policy: &'static Policy,
    pub(super) base: Arc<Base>,
    pub(super) request: ClaimRequest,
    /// Settings for the start of its transaction.
    pub(super) settings: TxSettings,
    pub(super) calls: Option<Arc<DeliveredCalls>>,
}

/// The answer to a claim.
pub(super) enum MessageAdmission {
    /// The function may run.
    Run(MessageRun),
    /// The function ran before, and returned this value, serialised.
    Value(Bytes),
}

/// A function under way.
///
/// If its caller drops it, or if it panics, it may have done anything, as if its process had died.
/// `on_abandoned` says whether the key is free again or waits for a person.
pub(super) struct MessageRun {
    policy: &'static Policy,
    guard: Option<RunGuard>,
    ttl: Duration,
}

/// The guard of a run, by its place.
enum RunGuard {
    /// A lease in the store.
    Lease(Execution),
    /// The business transaction, which the function takes out of the slot.
    Transaction(Box<TransactionRun>, TxSlot),
}

impl MessageClaim {
    /// Claims the key in the store, with a lease.
    pub(super) async fn by_lease(self) -> Result<MessageAdmission, MessageError> {
        let (calls, only_replays) = (self.calls.clone(), self.only_replays());
        let Self { policy, base, request, .. } = self;
        let (engine, ttl) = (base.engine.clone(), request.claim.retention);
        if base.recording == Recording::Off {
            return noted(calls.as_deref(), unguarded(policy, &engine, only_replays));
        }
        let begun = engine.begin(&request).await;
        let admission = match answered(&base.store_outage, policy, begun) {
            Ok(Admission::Run(execution)) if only_replays => {
                Detached::to_its_end(execution.release()).await;
                Err(MessageError::GivenUp)
            }
            Ok(Admission::Run(execution)) => {
                let guard = Some(RunGuard::Lease(execution));
                Ok(MessageAdmission::Run(MessageRun { policy, guard, ttl }))
            }
            Ok(Admission::Replay(outcome)) => stored_value(policy, &base, *outcome),
            Ok(Admission::Refused(refusal)) => Err(refusal.into()),
            Err(error) => Err(error),
        };
        noted(calls.as_deref(), admission)
    }

    /// Whether the message of this call is about to be given up, so that the call must not run.
    fn only_replays(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.only_replays())
    }

    /// Opens a transaction of the business database that holds the key, and puts it into the slot.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
        expect(dead_code, reason = "there is no transaction without a database")
    )]
    pub(super) async fn in_transaction(
        self,
        database: Arc<dyn BusinessDatabase>,
        slot: &TxSlot,
    ) -> Result<MessageAdmission, MessageError> {
        let (calls, only_replays) = (self.calls.clone(), self.only_replays());
        let Self { policy, base, request, settings, .. } = self;
        let (engine, ttl, wait) = (base.engine.clone(), request.claim.retention, request.wait);
        let plan = Plan { request: Some(request), row: None, wait, settings };
        let begun = transaction::begin(&database, &engine, plan).await;
        let admission = match answered(&base.database_outage, policy, begun) {
            Ok(TransactionAdmission::Run(run)) if only_replays => {
                Detached::to_its_end(run.roll_back()).await;
                Err(MessageError::GivenUp)
            }
            Ok(TransactionAdmission::Run(mut run)) => {
                run.put_into(slot);
                let guard = Some(RunGuard::Transaction(run, slot.clone()));
                Ok(MessageAdmission::Run(MessageRun { policy, guard, ttl }))
            }
            Ok(TransactionAdmission::Replay(outcome)) => stored_value(policy, &base, *outcome),
            Ok(TransactionAdmission::Refused(refusal)) => Err(refusal.into()),
            Ok(TransactionAdmission::Row(_)) => Err(MessageError::NotReplayable),
            Err(error) => Err(error),
        };
        noted(calls.as_deref(), admission)
    }
}

/// The admission of a call while records are off. Nobody knows whether it ran before.
fn unguarded(
    policy: &'static Policy,
    engine: &Engine,
    only_replays: bool,
) -> Result<MessageAdmission, MessageError> {
    if only_replays {
        return Err(MessageError::GivenUp);
    }
    engine.counters().unguarded.count();
    Ok(MessageAdmission::Run(MessageRun { policy, guard: None, ttl: Duration::ZERO }))
}

/// The answer of a store to a claim. A store that is down is logged once, not at each call.
fn answered<T>(
    outage: &Outage,
    policy: &Policy,
    answer: Result<T, StoreError>,
) -> Result<T, MessageError> {
    let operation = policy.shown_operation();
    match answer {
        Ok(answer) => {
            if outage.ends() {
                tracing::warn!(operation, "the store answers guarded functions again");
            }
            Ok(answer)
        }
        Err(error) if error.is_transient() && !outage.begins() => Err(MessageError::Store(error)),
        Err(error) => Err(MessageError::store_failed(operation, error)),
    }
}

/// Tells the delivered message how this call was admitted.
fn noted(
    calls: Option<&DeliveredCalls>,
    admission: Result<MessageAdmission, MessageError>,
) -> Result<MessageAdmission, MessageError> {
    if let Some(calls) = calls {
        calls.note(match &admission {
            Ok(MessageAdmission::Run(_)) => CallEnding::Claimed,
            Ok(MessageAdmission::Value(_)) => CallEnding::Replayed,
            Err(error) if error.has_run() => CallEnding::Replayed,
            Err(_) => CallEnding::Refused,
        });
    }
    admission
}

/// The value that an earlier call stored.
fn stored_value(
    policy: &Policy,
    base: &Base,
    outcome: Outcome,
) -> Result<MessageAdmission, MessageError> {
    let counters = base.engine.counters();
    if let Outcome::Value(value) = outcome {
        counters.replayed.count();
        tracing::debug!("a stored value is returned again");
        return Ok(MessageAdmission::Value(value));
    }
    counters.undecodable.count();
    let corrupt = StoreError::new(StoreErrorKind::Corrupt, "create");
    let corrupt = corrupt.because("what is stored under this key is not the value of a function");
    Err(MessageError::store_failed(policy.shown_operation(), corrupt))
}

impl MessageRun {
    /// Stores the value of the function, before its caller gets it.
    pub(super) async fn complete(mut self, outcome: Outcome) -> Result<(), MessageError> {
        let ttl = self.ttl;
        match self.guard.take() {
            Some(RunGuard::Lease(execution)) => {
                match Detached::to_its_end(execution.complete(outcome, ttl)).await {
                    Completion::Yes => Ok(()),
                    Completion::No => Err(MessageError::NotStored(None)),
                }
            }
            Some(RunGuard::Transaction(mut run, slot)) => {
                run.take_from(&slot);
                let committed = run.complete(outcome, Effects::Kept, ttl);
                match Detached::to_its_end(committed).await {
                    Ok(Committed::Yes) => Ok(()),
                    // (A function has no row that could be misplaced.)
                    Ok(Committed::InPart | Committed::Misplaced) => {
                        Err(MessageError::OutcomeUnknown)
                    }
                    Err(error) => {
                        let operation = self.policy.shown_operation();
                        tracing::error!(
                            operation,
                            error = &error as &dyn StdError,
                            "the database did not commit the transaction of a function",
                        );
                        Err(MessageError::NotStored(Some(error)))
                    }
                }
            }
            None => Ok(()),
        }
    }

    /// The attempt of this run; 1 in a transaction, where the claim and the record are one commit.
    pub(super) fn attempt(&self) -> u64 {
        match &self.guard {
            Some(RunGuard::Lease(execution)) => execution.attempt(),
            Some(RunGuard::Transaction(..)) | None => 1,
        }
    }

    /// Whether the function's work can be rolled back.
    pub(super) fn is_in_transaction(&self) -> bool {
        matches!(self.guard, Some(RunGuard::Transaction(..)))
    }

    /// Ends a run whose function failed: the next call runs.
    pub(super) async fn release(mut self) {
        match self.guard.take() {
            Some(RunGuard::Lease(execution)) => Detached::to_its_end(execution.release()).await,
            Some(RunGuard::Transaction(mut run, slot)) => {
                run.take_from(&slot);
                Detached::to_its_end(run.roll_back()).await;
            }
            None => {}
        }
    }

    /// Ends a run whose function did not come to its end, and may have done anything.
    pub(super) async fn give_up(mut self) {
        if let Some(guard) = self.guard.take() {
            Detached::to_its_end(abandon(guard, self.policy.on_abandoned)).await;
        }
    }
}

impl Drop for MessageRun {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            let operation = self.policy.shown_operation();
            tracing::warn!(operation, "a guarded function was dropped before its end");
            spawn(abandon(guard, self.policy.on_abandoned));
        }
    }
}

async fn abandon(guard: RunGuard, on_abandoned: OnAbandoned) {
    match (guard, on_abandoned) {
        (RunGuard::Lease(execution), OnAbandoned::Retry) => execution.release().await,
        (RunGuard::Lease(execution), OnAbandoned::Hold) => execution.abandon().await,
        // A transaction that is dropped is rolled back, so nothing has happened.
        (RunGuard::Transaction(..), _) => {}
    }
}
