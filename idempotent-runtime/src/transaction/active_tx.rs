//! A transaction under way, on any database.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::transaction::dialect::{ConnectionOf, Dialect, RELEASE_SAVEPOINT, TxEnd};
use crate::transaction::in_runtime::InRuntime;
use crate::transaction::sqlx_tx::{
    begin, end_on, ended_by_itself, forget, not_given_back, record_gone, replace_and_end,
};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::transaction::steps::AfterClaim;
use crate::transaction::steps::{BusinessTransaction, RecordExchange, Steps};
use crate::transaction::tx_connection::TxConnection;
use crate::transaction::tx_slot::TxSlot;
use sqlx::pool::PoolConnection;
use std::mem::replace;
use std::sync::Arc;

const SET_SAVEPOINT: &str = "SAVEPOINT idempotent_handler";
pub(super) const ROLL_BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT idempotent_handler";

/// A transaction under way. While the handler has the transaction of sqlx, it is not in here.
pub(super) struct ActiveTx<D: Dialect> {
    connection: Option<TxConnection<D::Sqlx>>,
    dialect: Arc<D>,
    /// The statements that begin the transaction, until they are sent.
    opening: Option<String>,
    stage: TxStage,
    /// Statements that undo settings which would outlive the transaction.
    leave: String,
    /// Counts this transaction among those of its pool.
    _under_way: Arc<()>,
}

/// The stage of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TxStage {
    /// Guards are at work, and their savepoint is not set.
    Guarding,
    SavepointSet,
    /// The handler can have it.
    HandedOver,
    /// It ended, or only read without a lock: no other transaction waits for its end.
    HoldsNothing,
}

impl<D: Dialect> ActiveTx<D> {
    /// Begins a transaction with these statements.
    pub(super) async fn begin(
        connection: InRuntime<PoolConnection<D::Sqlx>>,
        dialect: Arc<D>,
        statements: String,
        under_way: &Arc<()>,
    ) -> Result<Self, StoreError> {
        // The pool's own `begin_with` is not used: it has no limit for the rest of the wait.
        let mut connection = TxConnection::new(connection);
        let opening = if D::BEGINS_LATE {
            Some(statements)
        } else {
            if let Err(error) = begin::<D>(&mut connection, statements).await {
                let error = failed("begin", error);
                if error.kind() == StoreErrorKind::Busy {
                    // The transaction did not begin, and is tried again.
                    connection.give_back();
                }
                return Err(error);
            }
            None
        };
        Ok(Self {
            connection: Some(connection),
            dialect,
            opening,
            stage: TxStage::Guarding,
            leave: String::new(),
            _under_way: Arc::clone(under_way),
        })
    }

    /// Adds statements that run at the end of the transaction.
    #[cfg(feature = "mysql")]
    pub(super) fn leave_with(&mut self, statements: String) {
        self.leave = statements;
    }

    /// One step on the transaction's connection; its errors name the operation.
    pub(super) fn step<'a, T, W>(
        &'a mut self,
        operation: &'static str,
        step: impl FnOnce(&'a D, &'a mut ConnectionOf<D>) -> W + Send + 'a,
    ) -> StoreFuture<'a, T>
    where
        W: Future<Output = Result<T, sqlx::Error>> + Send + 'a,
    {
        let Some(connection) = &mut self.connection else {
            return StoreFuture::ready(Err(not_given_back()));
        };
        if connection.watch.is_over() {
            return StoreFuture::ready(Err(ended_by_itself(operation)));
        }
        let (dialect, opening) = (&*self.dialect, self.opening.take());
        StoreFuture::new(async move {
            if let Some(opening) = opening {
                begin::<D>(connection, opening).await.map_err(|error| failed("begin", error))?;
            }
            step(dialect, connection).await.map_err(|error| failed(operation, error))
        })
    }

    /// Runs statements that are sent together, after the ones that begin the transaction if these were not sent
    /// yet; returns false if they fail in the expected way.
    pub(super) fn batch(
        &mut self,
        operation: &'static str,
        statements: String,
        is_foreseen: fn(&sqlx::Error) -> bool,
    ) -> StoreFuture<'_, bool> {
        let opening = self.opening.take();
        self.step(operation, move |_, connection| async move {
            let done = match opening {
                Some(opening) => begin::<D>(connection, format!("{opening}; {statements}")).await,
                None => D::execute(connection, statements).await,
            };
            match done {
                Ok(()) => Ok(true),
                Err(error) if is_foreseen(&error) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn execute(&mut self, statements: String) -> StoreFuture<'_, ()> {
        let done = self.batch("transaction", statements, |_| false);
        StoreFuture::new(async { done.await.map(drop) })
    }

    /// Statements that are sent after a claim, in the same round trip, and lead to the next step.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(super) fn after_claim(&self, next: AfterClaim) -> String {
        match next {
            AfterClaim::Row => format!("; {SET_SAVEPOINT}"),
            AfterClaim::Handler => format!("; {SET_SAVEPOINT}; {}", self.dialect.relax_sql()),
        }
    }

    /// Notes that these statements ran.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(super) fn reached(&mut self, next: AfterClaim) {
        self.stage = match next {
            AfterClaim::Row => TxStage::SavepointSet,
            AfterClaim::Handler => TxStage::HandedOver,
        };
    }

    /// Notes that no other transaction waits for the end of this one.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(super) fn holds_nothing(&mut self) {
        self.stage = TxStage::HoldsNothing;
    }

    /// The statements that end the transaction, if sqlx's own do not.
    pub(super) fn end_text(&self, end: TxEnd) -> Option<String> {
        self.dialect.end_sql(end).map(|statements| statements + &self.leave)
    }

    async fn end(mut self: Box<Self>, end: TxEnd) -> Result<(), StoreError> {
        let mut connection = self.connection.take().ok_or_else(not_given_back)?;
        if connection.watch.is_over() {
            tracing::warn!("the database ended a transaction by itself; its connection is closed");
            return match end {
                TxEnd::Commit => Err(ended_by_itself(end.name())),
                TxEnd::Rollback => Ok(()),
            };
        }
        let holds_nothing = self.opening.is_some() || self.stage == TxStage::HoldsNothing;
        if end == TxEnd::Rollback && holds_nothing {
            forget::<D>(&mut connection);
            connection.give_back();
            return Ok(());
        }
        let ended = end_on::<D>(&mut connection, end, self.end_text(end)).await;
        self.close(connection, end, ended.map_err(|error| failed(end.name(), error))).await
    }

    /// Gives the connection back to the pool after this end of the transaction, or closes it.
    async fn close(
        self: Box<Self>,
        mut connection: TxConnection<D::Sqlx>,
        end: TxEnd,
        ended: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let is_over = match end {
            TxEnd::Commit if ended.is_err() => {
                let rollback = self.end_text(TxEnd::Rollback);
                end_on::<D>(&mut connection, TxEnd::Rollback, rollback).await.is_ok()
            }
            _ => ended.is_ok(),
        };
        let is_watched = self.stage == TxStage::HandedOver;
        if is_over && (!is_watched || D::unwatch(&mut connection).await.is_ok()) {
            connection.give_back();
        }
        ended
    }
}

impl<D: Dialect> BusinessTransaction for ActiveTx<D>
where
    Self: Steps,
{
    fn set_savepoint(&mut self) -> StoreFuture<'_, ()> {
        if self.stage != TxStage::Guarding {
            return StoreFuture::ready(Ok(()));
        }
        self.stage = TxStage::SavepointSet;
        self.execute(SET_SAVEPOINT.to_owned())
    }

    fn hand_over(&mut self) -> StoreFuture<'_, ()> {
        let relax = self.dialect.relax_sql();
        let statements = match replace(&mut self.stage, TxStage::HandedOver) {
            TxStage::Guarding => format!("{SET_SAVEPOINT}; {relax}"),
            TxStage::SavepointSet => relax.to_owned(),
            TxStage::HandedOver | TxStage::HoldsNothing => String::new(),
        };
        StoreFuture::new(async move {
            if !statements.is_empty() {
                self.execute(statements).await?;
            }
            let connection = self.connection.as_mut().ok_or_else(not_given_back)?;
            let watch = Arc::clone(&connection.watch);
            D::watch(connection, watch).await.map_err(|error| failed("transaction", error))
        })
    }

    fn roll_back_to_savepoint(&mut self) -> StoreFuture<'_, ()> {
        self.execute(ROLL_BACK_TO_SAVEPOINT.to_owned())
    }

    fn release_savepoint(&mut self) -> StoreFuture<'_, ()> {
        if self.dialect.end_sql(TxEnd::Commit).is_some() {
            // The statements that end the transaction release it, too.
            return StoreFuture::ready(Ok(()));
        }
        self.execute(RELEASE_SAVEPOINT.to_owned())
    }

    fn is_over(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.watch.is_over())
    }

    fn commit(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(TxEnd::Commit))
    }

    fn complete(mut self: Box<Self>, exchange: RecordExchange<'_>) -> StoreFuture<'_, ()> {
        // This is not sent in one text with the commit, although that would save a round trip everywhere: client
        // libraries log the texts of slow statements, and the answer must not be in a log.
        StoreFuture::new(async move {
            let end = self.end_text(TxEnd::Commit).unwrap_or_default();
            let mut connection = self.connection.take().ok_or_else(not_given_back)?;
            let dialect = &*self.dialect;
            if let Some(ended) = replace_and_end(dialect, &mut connection, exchange, end).await {
                return self.close(connection, TxEnd::Commit, ended).await;
            }
            self.connection = Some(connection);
            match self.replace_record(exchange).await {
                Ok(true) => self.commit().await,
                replaced => {
                    drop(self.roll_back().await);
                    replaced.and_then(|_| Err(record_gone()))
                }
            }
        })
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(TxEnd::Rollback))
    }

    fn put_into(&mut self, slot: &TxSlot) {
        if let Some(connection) = self.connection.take() {
            slot.put(Box::new(connection));
        }
    }

    fn take_from(&mut self, slot: &TxSlot) {
        if let Some(connection) = slot.take() {
            self.connection = connection.downcast().ok().map(|connection| *connection);
        }
    }
}
