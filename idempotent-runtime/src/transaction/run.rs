//! A handler's transaction, from its guards to its end.

use crate::engine::InFlightGuard;
use crate::error::StoreError;
use crate::outcome::Outcome;
use crate::transaction::database::BusinessDatabase;
use crate::transaction::dedup_table::ClaimedRecord;
use crate::transaction::steps::BusinessTransaction;
use crate::transaction::tx_slot::TxSlot;
use std::sync::Arc;
use std::time::Duration;

/// A handler's transaction. Dropped, it is rolled back.
pub(crate) struct TransactionRun {
    pub(super) transaction: Box<dyn BusinessTransaction>,
    /// The record that commits with it, if there is one: duplicates will find its outcome.
    pub(crate) record: Option<ClaimedRecord>,
    /// The version that the row has if this commits.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
    pub(crate) version: Option<i64>,
    pub(super) database: Arc<dyn BusinessDatabase>,
    pub(super) _in_flight: InFlightGuard,
}

/// The part of a run that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// The handler succeeded: everything.
    Kept,
    /// It answered with an error that a repeated request would meet again: the answer alone.
    RolledBack,
}

impl TransactionRun {
    /// Puts the transaction where a handler's [`Tx`](super::Tx) finds it.
    pub(crate) fn put_into(&mut self, slot: &TxSlot) {
        self.transaction.put_into(slot);
    }

    /// Takes it from there after the handler.
    pub(crate) fn take_from(&mut self, slot: &TxSlot) {
        self.transaction.take_from(slot);
    }

    /// Whether the database has rolled back by itself: neither effects nor an outcome can last.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "functions store no refusals"))]
    pub(crate) fn is_over(&self) -> bool {
        self.transaction.is_over()
    }

    /// Commits the handler's effects and its outcome.
    ///
    /// # Errors
    /// When the database did not confirm. Then either everything lasts or nothing, and a repeated
    /// request finds out which.
    pub(crate) async fn complete(
        mut self,
        outcome: Outcome,
        effects: Effects,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        if let Err(error) = self.prepare(outcome, effects, ttl).await {
            self.roll_back().await;
            return Err(error);
        }
        let Self { transaction, record, database, .. } = self;
        if record.is_none() && effects == Effects::RolledBack {
            return transaction.roll_back().await;
        }
        transaction.commit().await?;
        if record.is_some() {
            database.tidy();
        }
        Ok(())
    }

    /// Makes the transaction what is to last.
    async fn prepare(
        &mut self,
        outcome: Outcome,
        effects: Effects,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        match (&self.record, effects) {
            // Nothing is to last.
            (None, Effects::RolledBack) => Ok(()),
            // A record that is completed proves as much.
            (None, Effects::Kept) => self.transaction.release_savepoint().await,
            (Some(record), effects) => {
                if effects == Effects::RolledBack {
                    self.transaction.roll_back_to_savepoint().await?;
                }
                record.complete(&mut *self.transaction, outcome, ttl).await
            }
        }
    }

    /// Rolls everything back; the key is free again.
    pub(crate) async fn roll_back(self) {
        if let Err(error) = self.transaction.roll_back().await {
            tracing::warn!(%error, "a transaction could not be rolled back and is left to the pool");
        }
    }
}
