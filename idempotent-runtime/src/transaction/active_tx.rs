//! A transaction under way, whichever database it is.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::policy::ColumnValue;
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::transaction::database::Open;
use crate::transaction::dialect::{Dialect, End, Link};
use crate::transaction::in_runtime::{InRuntime, awaited};
use crate::transaction::plan::RowPlan;
use bytes::Bytes;
use sqlx::Transaction;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

const MARK: &str = "SAVEPOINT idempotent_handler";
const UNDO: &str = "ROLLBACK TO SAVEPOINT idempotent_handler";
/// Fails where a transaction is to be rolled back, and where the savepoint went with one that was.
const CONFIRM: &str = "RELEASE SAVEPOINT idempotent_handler";

/// A transaction, unless a handler has it.
pub(super) struct ActiveTx<D: Dialect> {
    transaction: Option<InRuntime<Transaction<'static, D::Sqlx>>>,
    dialect: Arc<D>,
    stage: Stage,
    /// One of as many as there are transactions of one pool.
    _open: Arc<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The guards judge.
    Guards,
    /// The same, and what follows can be taken back.
    Marked,
    /// The handler works.
    Handler,
}

impl<D: Dialect> ActiveTx<D> {
    pub(super) fn new(
        transaction: InRuntime<Transaction<'static, D::Sqlx>>,
        dialect: Arc<D>,
        open: Arc<()>,
    ) -> Self {
        Self { transaction: Some(transaction), dialect, stage: Stage::Guards, _open: open }
    }

    fn connection(&mut self) -> Result<&mut Link<D>, StoreError> {
        Ok(self.transaction.as_deref_mut().ok_or_else(kept)?)
    }

    async fn end(mut self: Box<Self>, how: End) -> Result<(), StoreError> {
        let mut transaction = self.transaction.take().ok_or_else(kept)?;
        let ended = match (self.dialect.end(how), how) {
            // Dropped after that, sqlx says `ROLLBACK` once more, and there is nothing left of it.
            (Some(statements), _) => D::run(&mut transaction, statements).await,
            (None, End::Commit) => awaited(transaction.into_inner().commit()).await,
            (None, End::Rollback) => awaited(transaction.into_inner().rollback()).await,
        };
        ended.map_err(|error| failed(how.name(), error))
    }

    async fn run(&mut self, statements: String) -> Result<(), StoreError> {
        let ran = D::run(self.connection()?, statements).await;
        ran.map_err(|error| failed("transaction", error))
    }
}

impl<D: Dialect> Open for ActiveTx<D> {
    fn claim<'a>(
        &'a mut self,
        key: &'a StorageKey,
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(async move {
            let claimed = D::claim(self.connection()?, key, value, life).await;
            claimed.map_err(|error| failed("claim", error))
        })
    }

    fn complete<'a>(
        &'a mut self,
        key: &'a StorageKey,
        claimed: &'a [u8],
        value: &'a [u8],
        life: Duration,
    ) -> StoreFuture<'a, ()> {
        StoreFuture::new(async move {
            let done = D::complete(self.connection()?, key, claimed, value, life).await;
            if done.map_err(|error| failed("complete", error))? {
                return Ok(());
            }
            let gone = "the record of this transaction is gone before its end";
            Err(StoreError::new(StoreErrorKind::Corrupt, "complete").because(gone))
        })
    }

    fn lock_row<'a>(&'a mut self, plan: &'a RowPlan) -> StoreFuture<'a, bool> {
        StoreFuture::new(async move {
            let dialect = Arc::clone(&self.dialect);
            let locked = dialect.lock_row(self.connection()?, plan).await;
            locked.map_err(|error| failed("lock", error))
        })
    }

    fn exchange<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
        expected: ColumnValue,
        next: ColumnValue,
    ) -> StoreFuture<'a, bool> {
        StoreFuture::new(async move {
            let dialect = Arc::clone(&self.dialect);
            let connection = self.connection()?;
            let exchanged = dialect.exchange(connection, plan, column, expected, next).await;
            exchanged.map_err(|error| failed("exchange", error))
        })
    }

    fn peek<'a>(
        &'a mut self,
        plan: &'a RowPlan,
        column: &'static str,
    ) -> StoreFuture<'a, Option<String>> {
        StoreFuture::new(async move {
            let dialect = Arc::clone(&self.dialect);
            let seen = dialect.peek(self.connection()?, plan, column).await;
            seen.map_err(|error| failed("look", error))
        })
    }

    fn mark(&mut self) -> StoreFuture<'_, ()> {
        self.stage = Stage::Marked;
        StoreFuture::new(self.run(MARK.to_owned()))
    }

    fn hand_over(&mut self) -> StoreFuture<'_, ()> {
        StoreFuture::new(async move {
            let relax = self.dialect.relax();
            let statements = match self.stage {
                Stage::Guards => format!("{MARK}; {relax}"),
                Stage::Marked | Stage::Handler => relax.to_owned(),
            };
            if !statements.is_empty() {
                self.run(statements).await?;
            }
            self.stage = Stage::Handler;
            Ok(())
        })
    }

    fn undo(&mut self) -> StoreFuture<'_, ()> {
        StoreFuture::new(self.run(UNDO.to_owned()))
    }

    fn confirm(&mut self) -> StoreFuture<'_, ()> {
        StoreFuture::new(self.run(CONFIRM.to_owned()))
    }

    fn commit(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(End::Commit))
    }

    fn rollback(self: Box<Self>) -> StoreFuture<'static, ()> {
        StoreFuture::new(self.end(End::Rollback))
    }

    fn lend(&mut self) -> Option<Box<dyn Any + Send>> {
        Some(Box::new(self.transaction.take()?))
    }

    fn take_back(&mut self, lent: Box<dyn Any + Send>) {
        self.transaction = lent.downcast().ok().map(|transaction| *transaction);
    }
}

/// A handler put the transaction away where it outlives the request.
fn kept() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "transaction")
        .because("the handler did not give its `Tx` back: it must not outlive the handler")
}
