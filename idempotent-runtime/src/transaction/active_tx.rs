//! A transaction under way, whichever database it is.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::transaction::dialect::{ConnectionOf, Dialect, RELEASE_SAVEPOINT, TxEnd};
use crate::transaction::in_runtime::InRuntime;
use crate::transaction::steps::{BusinessTransaction, Steps};
use crate::transaction::tx_connection::TxConnection;
use crate::transaction::tx_slot::TxSlot;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Database, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;
use std::mem::replace;
use std::sync::Arc;

const SET_SAVEPOINT: &str = "SAVEPOINT idempotent_handler";
const ROLL_BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT idempotent_handler";

/// The statements with which sqlx begins and ends transactions of a dialect's database.
type TransactionsOf<D> = <<D as Dialect>::Sqlx as Database>::TransactionManager;

/// A transaction, unless a handler has it.
pub(super) struct ActiveTx<D: Dialect> {
    connection: Option<TxConnection<D::Sqlx>>,
    dialect: Arc<D>,
    savepoint: Savepoint,
    /// Statements that undo what was set for it and would outlive it.
    leave: String,
    /// Its count among the transactions of one pool.
    _under_way: Arc<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    Missing,
    Set,
}

impl<D: Dialect> ActiveTx<D> {
    /// Begins a transaction with these statements.
    pub(super) async fn begin(
        connection: InRuntime<PoolConnection<D::Sqlx>>,
        dialect: Arc<D>,
        begin: String,
        under_way: &Arc<()>,
    ) -> Result<Self, StoreError> {
        let statements = Some(AssertSqlSafe(begin).into_sql_str());
        // Not the pool's own `begin_with`: it does not take what is left of the wait.
        let mut connection = TxConnection::new(connection);
        if let Err(error) = TransactionsOf::<D>::begin(&mut connection, statements).await {
            let error = failed("begin", error);
            if error.kind() == StoreErrorKind::Busy {
                // It did not begin, and will be tried again.
                connection.give_back();
            }
            return Err(error);
        }
        let watch = Arc::clone(&connection.watch);
        D::watch(&mut connection, watch).await.map_err(|error| failed("begin", error))?;
        Ok(Self {
            connection: Some(connection),
            dialect,
            savepoint: Savepoint::Missing,
            leave: String::new(),
            _under_way: Arc::clone(under_way),
        })
    }

    /// Has these statements carried out at its end.
    #[cfg(feature = "mysql")]
    pub(super) fn leave_with(&mut self, statements: String) {
        self.leave = statements;
    }

    /// One step on the transaction's connection; its errors name the operation.
    pub(super) fn step<'a, T, W>(
        &'a mut self,
        operation: &'static str,
        step: impl FnOnce(&'a D, &'a mut ConnectionOf<D>) -> W,
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
        let step = step(&self.dialect, connection);
        StoreFuture::new(async move { step.await.map_err(|error| failed(operation, error)) })
    }

    fn execute(&mut self, statements: String) -> StoreFuture<'_, ()> {
        self.step("transaction", |_, connection| D::execute(connection, statements))
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
        let dialect = &*self.dialect;
        let ended = end_on(dialect, &mut connection, end, &self.leave).await;
        let is_over = match end {
            TxEnd::Commit if ended.is_err() => {
                end_on(dialect, &mut connection, TxEnd::Rollback, &self.leave).await.is_ok()
            }
            _ => ended.is_ok(),
        };
        if is_over && D::unwatch(&mut connection).await.is_ok() {
            connection.give_back();
        }
        ended.map_err(|error| failed(end.name(), error))
    }
}

async fn end_on<D: Dialect>(
    dialect: &D,
    connection: &mut TxConnection<D::Sqlx>,
    end: TxEnd,
    leave: &str,
) -> Result<(), sqlx::Error> {
    if end == TxEnd::Commit {
        connection.watch.commits();
    }
    match (dialect.end_sql(end), end) {
        (Some(statements), _) => {
            D::execute(connection, statements + leave).await?;
            // So that sqlx knows, too: it says `ROLLBACK` once more, and there is nothing left of it.
            TransactionsOf::<D>::start_rollback(connection);
            Ok(())
        }
        (None, TxEnd::Commit) => TransactionsOf::<D>::commit(connection).await,
        (None, TxEnd::Rollback) => TransactionsOf::<D>::rollback(connection).await,
    }
}

impl<D: Dialect> BusinessTransaction for ActiveTx<D>
where
    Self: Steps,
{
    fn set_savepoint(&mut self) -> StoreFuture<'_, ()> {
        self.savepoint = Savepoint::Set;
        self.execute(SET_SAVEPOINT.to_owned())
    }

    fn hand_over(&mut self) -> StoreFuture<'_, ()> {
        let relax = self.dialect.relax_sql();
        let statements = match replace(&mut self.savepoint, Savepoint::Set) {
            Savepoint::Missing => format!("{SET_SAVEPOINT}; {relax}"),
            Savepoint::Set => relax.to_owned(),
        };
        if statements.is_empty() {
            return StoreFuture::ready(Ok(()));
        }
        self.execute(statements)
    }

    fn roll_back_to_savepoint(&mut self) -> StoreFuture<'_, ()> {
        self.execute(ROLL_BACK_TO_SAVEPOINT.to_owned())
    }

    fn release_savepoint(&mut self) -> StoreFuture<'_, ()> {
        if self.dialect.end_sql(TxEnd::Commit).is_some() {
            // Those statements do.
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

/// The database took everything back, and nobody asked it to.
fn ended_by_itself(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Aborted, operation).because("nothing of it stays")
}

/// A handler put the transaction away where it outlives the request.
fn not_given_back() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "transaction")
        .because("the handler did not give its `Tx` back: it must not outlive the handler")
}
