//! A transaction under way, whichever database it is.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::transaction::dialect::{ConnectionOf, Dialect, TxEnd};
use crate::transaction::in_runtime::{InRuntime, awaited};
use crate::transaction::steps::{BusinessTransaction, Steps};
use crate::transaction::tx_slot::TxSlot;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr, Transaction};
use std::mem::replace;
use std::sync::Arc;
use tokio::time::Instant;

const SET_SAVEPOINT: &str = "SAVEPOINT idempotent_handler";
const ROLL_BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT idempotent_handler";
/// Fails where a transaction is to be rolled back, and where the savepoint went with one that was.
const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT idempotent_handler";

/// A transaction, unless a handler has it.
pub(super) struct ActiveTx<D: Dialect> {
    transaction: Option<InRuntime<Transaction<'static, D::Sqlx>>>,
    dialect: Arc<D>,
    savepoint: Savepoint,
    /// Its count among the transactions of one pool.
    _under_way: Arc<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    Missing,
    Set,
}

impl<D: Dialect> ActiveTx<D> {
    /// Begins a transaction in which no statement waits for others after `until`.
    pub(super) async fn begin(
        connection: InRuntime<PoolConnection<D::Sqlx>>,
        dialect: Arc<D>,
        until: Instant,
        under_way: &Arc<()>,
    ) -> Result<Self, StoreError> {
        let statements = dialect.begin_sql(until.saturating_duration_since(Instant::now()));
        let statements = Some(AssertSqlSafe(statements).into_sql_str());
        // Not the pool's own `begin_with`: it does not take what is left of the wait. Nor may it be
        // dropped half-way, for nobody would roll back the transaction that it began.
        let begun = awaited(Transaction::begin(connection.into_inner(), statements)).await;
        let transaction = begun.map(InRuntime::current).map_err(|error| failed("begin", error))?;
        Ok(Self {
            transaction: Some(transaction),
            dialect,
            savepoint: Savepoint::Missing,
            _under_way: Arc::clone(under_way),
        })
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
        let Some(connection) = self.transaction.as_deref_mut() else {
            return StoreFuture::ready(Err(not_given_back()));
        };
        let step = step(&self.dialect, connection);
        StoreFuture::new(async move { step.await.map_err(|error| failed(operation, error)) })
    }

    fn execute(&mut self, statements: String) -> StoreFuture<'_, ()> {
        self.step("transaction", |_, connection| D::execute(connection, statements))
    }

    async fn end(mut self: Box<Self>, end: TxEnd) -> Result<(), StoreError> {
        let mut transaction = self.transaction.take().ok_or_else(not_given_back)?;
        let ended = match (self.dialect.end_sql(end), end) {
            // Dropped after that, sqlx says `ROLLBACK` once more, and there is nothing left of it.
            (Some(statements), _) => D::execute(&mut transaction, statements).await,
            (None, TxEnd::Commit) => awaited(transaction.into_inner().commit()).await,
            (None, TxEnd::Rollback) => awaited(transaction.into_inner().rollback()).await,
        };
        ended.map_err(|error| failed(end.name(), error))
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
        self.execute(RELEASE_SAVEPOINT.to_owned())
    }

    fn commit(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(TxEnd::Commit))
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(TxEnd::Rollback))
    }

    fn put_into(&mut self, slot: &TxSlot) {
        if let Some(transaction) = self.transaction.take() {
            slot.put(Box::new(transaction));
        }
    }

    fn take_from(&mut self, slot: &TxSlot) {
        if let Some(transaction) = slot.take() {
            self.transaction = transaction.downcast().ok().map(|transaction| *transaction);
        }
    }
}

/// A handler put the transaction away where it outlives the request.
fn not_given_back() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "transaction")
        .because("the handler did not give its `Tx` back: it must not outlive the handler")
}
