//! A function under way, from its claim to its end.

use crate::engine::{Completion, Execution};
use crate::message::detached::{Detached, spawn};
use crate::message::error::MessageError;
use crate::outcome::Outcome;
use crate::policy::{OnAbandoned, OnDuplicate, Policy};
use crate::transaction::{Effects, TransactionRun, TxSlot};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::ready;
use serde::Serialize;
use std::time::Duration;

/// The largest value that is stored, where the function says nothing else.
const LONGEST: usize = 2 << 20;

/// A function under way.
///
/// It may have done anything when its caller drops it or it panics, as when its process dies:
/// `on_abandoned` says whether the key is free again or waits for a person.
pub(super) struct Run {
    policy: &'static Policy,
    end: Option<End>,
    ttl: Duration,
}

/// How a run ends, by where its guard stands.
pub(super) enum End {
    /// In the store, by a lease.
    Leased(Execution),
    /// In the business transaction, which the function was lent.
    Transaction(Box<TransactionRun>, TxSlot),
}

impl Run {
    pub(super) fn new(policy: &'static Policy, end: End, ttl: Duration) -> Self {
        Self { policy, end: Some(end), ttl }
    }

    /// Stores what the function returned, before anybody gets it.
    pub(super) async fn complete(mut self, value: &impl Serialize) -> Result<(), MessageError> {
        let outcome = self.outcome(value);
        let ttl = self.ttl;
        match self.end.take() {
            Some(End::Leased(run)) => {
                let stored = Detached::new(run.complete(outcome, ttl), |_| ready(()).boxed());
                match stored.await {
                    Completion::Yes => Ok(()),
                    Completion::No => Err(MessageError::NotStored(None)),
                }
            }
            Some(End::Transaction(mut run, lent)) => {
                run.take_from(&lent);
                let committed = run.complete(outcome, Effects::Kept, ttl);
                let committed = Detached::new(committed, |_| ready(()).boxed()).await;
                committed.map_err(|error| MessageError::NotStored(Some(error)))
            }
            None => Ok(()),
        }
    }

    fn outcome(&self, value: &impl Serialize) -> Outcome {
        if self.policy.on_duplicate == OnDuplicate::Reject {
            // Nobody will ever get it again.
            return Outcome::Tombstone;
        }
        let longest = self.policy.max_body.unwrap_or(LONGEST);
        match serde_json::to_vec(value) {
            Ok(bytes) if bytes.len() <= longest => Outcome::Value(Bytes::from(bytes)),
            Ok(bytes) => {
                self.not_kept(&format!("{} bytes are more than {longest}", bytes.len()));
                Outcome::Tombstone
            }
            Err(error) => {
                self.not_kept(&error.to_string());
                Outcome::Tombstone
            }
        }
    }

    /// The function failed: its next call runs again.
    pub(super) async fn release(mut self) {
        match self.end.take() {
            Some(End::Leased(run)) => Detached::new(run.release(), |()| ready(()).boxed()).await,
            Some(End::Transaction(mut run, lent)) => {
                run.take_from(&lent);
                Detached::new(run.roll_back(), |()| ready(()).boxed()).await;
            }
            None => {}
        }
    }

    /// The function did not come to an end, and may have done anything.
    pub(super) async fn give_up(mut self) {
        if let Some(end) = self.end.take() {
            Detached::new(give_up(end, self.policy.on_abandoned), |()| ready(()).boxed()).await;
        }
    }

    fn not_kept(&self, why: &str) {
        tracing::error!(
            operation = self.policy.operation,
            why,
            "a function ran once, and what it returned cannot be given a second time",
        );
    }
}

async fn give_up(end: End, on_abandoned: OnAbandoned) {
    match (end, on_abandoned) {
        (End::Leased(run), OnAbandoned::Retry) => run.release().await,
        (End::Leased(run), OnAbandoned::Hold) => run.abandon().await,
        // Dropped, it is rolled back: nothing has happened.
        (End::Transaction(..), _) => {}
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let operation = self.policy.operation;
            tracing::warn!(operation, "a function was dropped before its end");
            spawn(give_up(end, self.policy.on_abandoned));
        }
    }
}
