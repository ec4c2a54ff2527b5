//! A handler's transaction, from its guards to its end.

use crate::engine::InFlightGuard;
use crate::error::StoreError;
use crate::outcome::Outcome;
use crate::transaction::database::{BusinessDatabase, Open};
use crate::transaction::dedup_table::Recorded;
use crate::transaction::tx_slot::TxSlot;
use std::sync::Arc;
use std::time::Duration;

/// A handler's transaction. Dropped, it is rolled back.
pub(crate) struct Run {
    open: Box<dyn Open>,
    recorded: Option<Recorded>,
    version: Option<i64>,
    database: Arc<dyn BusinessDatabase>,
    _entered: InFlightGuard,
}

/// What lasts of a run that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effects {
    /// The handler succeeded: everything.
    Kept,
    /// It answered with an error that a repeated request would meet again: the answer alone.
    TakenBack,
}

impl Run {
    pub(super) fn new(
        open: Box<dyn Open>,
        recorded: Option<Recorded>,
        version: Option<i64>,
        database: Arc<dyn BusinessDatabase>,
        entered: InFlightGuard,
    ) -> Self {
        Self { open, recorded, version, database, _entered: entered }
    }

    /// The version that the row has if this commits.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "rows guard requests"))]
    pub(crate) const fn version(&self) -> Option<i64> {
        self.version
    }

    /// Puts the transaction where a handler's [`Tx`](super::Tx) finds it.
    pub(crate) fn lend(&mut self, lent: &TxSlot) {
        lent.put(self.open.lend());
    }

    /// Takes it back after the handler.
    pub(crate) fn take_back(&mut self, lent: &TxSlot) {
        if let Some(lent) = lent.take() {
            self.open.take_back(lent);
        }
    }

    /// Whether duplicates will find its outcome.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "functions are always recorded"))]
    pub(crate) const fn is_recorded(&self) -> bool {
        self.recorded.is_some()
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
        let recorded = self.recorded.is_some();
        match (self.recorded.take(), effects) {
            (None, Effects::TakenBack) => return self.open.rollback().await,
            // A record that is completed proves as much.
            (None, Effects::Kept) => self.open.confirm().await?,
            (Some(recorded), effects) => {
                if effects == Effects::TakenBack {
                    self.open.undo().await?;
                }
                recorded.complete(&mut *self.open, outcome, ttl).await?;
            }
        }
        self.open.commit().await?;
        if recorded {
            self.database.tidy();
        }
        Ok(())
    }

    /// Takes everything back; the key is free again.
    pub(crate) async fn roll_back(self) {
        if let Err(error) = self.open.rollback().await {
            tracing::warn!(%error, "a transaction could not be rolled back and is left to the pool");
        }
    }
}
