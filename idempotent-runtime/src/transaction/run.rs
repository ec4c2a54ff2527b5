//! A handler's transaction, from its guards to its end.

use crate::error::StoreError;
use crate::outcome::Outcome;
use crate::transaction::database::BusinessDatabase;
use crate::transaction::dedup_table::ClaimedRecord;
use crate::transaction::plan::Plan;
use crate::transaction::row;
use crate::transaction::steps::BusinessTransaction;
use crate::transaction::turn::TransactionTurn;
use crate::transaction::tx_slot::TxSlot;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

/// A handler's transaction. If it is dropped, it is rolled back.
pub(crate) struct TransactionRun {
    pub(super) transaction: Box<dyn BusinessTransaction>,
    /// The record that commits with it, if there is one: duplicates will find its outcome.
    pub(crate) record: Option<ClaimedRecord>,
    /// The plan, with the row that may have to be set last.
    pub(super) plan: Arc<Plan>,
    /// The version that the row has when this commits.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
    pub(crate) version: Option<i64>,
    pub(super) database: Arc<dyn BusinessDatabase>,
    pub(super) _turn: Arc<TransactionTurn>,
}

/// The part of a run that commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// Everything commits: the handler succeeded.
    Kept,
    /// Only the answer commits: it is an error that a repeated request would get again.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "functions store no refusals"))]
    RolledBack,
}

/// Whether the database committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Committed {
    /// Everything that should commit did.
    Yes,
    /// A part of the handler's work committed in the middle, and the rest is lost: nobody knows which part.
    InPart,
    /// Nothing committed: the handler left its row in a third state.
    Misplaced,
}

/// Whether a transaction may commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prepared {
    Yes,
    Misplaced,
}

impl TransactionRun {
    /// Puts the transaction where a handler's [`Tx`](super::Tx) finds it.
    pub(crate) fn put_into(&mut self, slot: &TxSlot) {
        self.transaction.put_into(slot);
    }

    /// Takes the transaction back after the handler.
    pub(crate) fn take_from(&mut self, slot: &TxSlot) {
        self.transaction.take_from(slot);
    }

    /// Whether the database has rolled back by itself. If so, neither effects nor an outcome can commit.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "functions store no refusals"))]
    pub(crate) fn is_over(&self) -> bool {
        self.transaction.is_over()
    }

    /// Commits the handler's effects and its outcome.
    ///
    /// # Errors
    /// When the database did not confirm the commit. Then a repeated request finds out whether it committed.
    pub(crate) async fn complete(
        mut self,
        outcome: Outcome,
        effects: Effects,
        ttl: Duration,
    ) -> Result<Committed, StoreError> {
        let prepared = self.prepare(effects).await;
        let Self { transaction, record, database, _turn, .. } = self;
        let ended = match prepared {
            Err(error) => {
                roll_back(transaction).await;
                Err(error)
            }
            Ok(Prepared::Misplaced) => {
                roll_back(transaction).await;
                return Ok(Committed::Misplaced);
            }
            Ok(Prepared::Yes) => match (&record, effects) {
                (Some(record), _) => record.complete(transaction, outcome, ttl).await,
                (None, Effects::Kept) => transaction.commit().await,
                (None, Effects::RolledBack) => transaction.roll_back().await,
            },
        };
        match (ended, record) {
            (Ok(()), None) => Ok(Committed::Yes),
            (Ok(()), Some(_)) => {
                database.tidy();
                Ok(Committed::Yes)
            }
            (Err(error), Some(record)) if record.outlasts(&error, &*database).await => {
                tracing::error!(
                    error = &error as &dyn StdError,
                    "a transaction was committed in the middle of its handler; what it did afterwards is rolled back"
                );
                Ok(Committed::InPart)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Rolls back the effects that must not commit, and sets the columns that are set last.
    async fn prepare(&mut self, effects: Effects) -> Result<Prepared, StoreError> {
        if let (Some(row), Effects::Kept) = (&self.plan.row, effects)
            && !row::set_last(row, &mut *self.transaction)
                .await
                .map_err(|error| row::named(row.row, error))?
        {
            return Ok(Prepared::Misplaced);
        }
        match (&self.record, effects) {
            // With a record this is not needed: completing the record proves it, too.
            (None, Effects::Kept) => self.transaction.release_savepoint().await?,
            (Some(_), Effects::RolledBack) => self.transaction.roll_back_to_savepoint().await?,
            _ => {}
        }
        Ok(Prepared::Yes)
    }

    /// Rolls everything back; the key is free again.
    pub(crate) async fn roll_back(self) {
        roll_back(self.transaction).await;
    }
}

async fn roll_back(transaction: Box<dyn BusinessTransaction>) {
    if let Err(error) = transaction.roll_back().await {
        tracing::warn!(%error, "a transaction could not be rolled back; its connection is closed");
    }
}
