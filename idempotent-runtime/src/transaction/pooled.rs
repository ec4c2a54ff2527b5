//! Transactions from a pool, whichever database it leads to.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::StoreFuture;
use crate::store::sql::failed;
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::BusinessDatabase;
use crate::transaction::dialect::Dialect;
use crate::transaction::in_runtime::InRuntime;
use crate::transaction::plan::Plan;
use crate::transaction::steps::{BusinessTransaction, Steps};
use sqlx::Pool;
use sqlx::pool::PoolConnection;
use std::any::TypeId;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// How long to wait for a connection while no transaction of ours holds one: then the database is late,
/// or handlers keep the pool's connections for themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many records are put between two purges of those whose life is over. A purge drops up to twice
/// as many, so that the table does not grow.
const TIDY_AFTER: u32 = 128;
const TIDY: u32 = 2 * TIDY_AFTER;

/// A pool, and its database's dialect as its connections showed it.
pub(super) struct Pooled<D: Dialect> {
    pool: Pool<D::Sqlx>,
    dialect: OnceCell<Arc<D>>,
    table: OnceCell<()>,
    /// Records put since the start.
    put: AtomicU32,
    /// Cloned for each transaction under way.
    under_way: Arc<()>,
}

impl<D: Dialect> Pooled<D> {
    pub(super) fn new(pool: Pool<D::Sqlx>) -> Arc<Self> {
        let (dialect, table) = (OnceCell::new(), OnceCell::new());
        Arc::new(Self { pool, dialect, table, put: AtomicU32::new(0), under_way: Arc::default() })
    }

    /// Waits for a connection; until then, while transactions of ours hold them all.
    async fn connection(
        &self,
        until: Instant,
    ) -> Result<InRuntime<PoolConnection<D::Sqlx>>, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        loop {
            let patience = (Instant::now() + PATIENCE).min(until);
            match timeout_at(patience, &mut acquired).await {
                Ok(acquired) => {
                    let acquired = acquired.map(InRuntime::current);
                    return acquired.map_err(|error| failed("connect", error));
                }
                Err(_) if Arc::strong_count(&self.under_way) == 1 => {
                    return Err(failed("connect", sqlx::Error::PoolTimedOut));
                }
                Err(_) if patience == until => {
                    return Err(StoreError::new(StoreErrorKind::Busy, "connect"));
                }
                Err(_) => {}
            }
        }
    }

    /// Creates the table of records once, outside of any transaction.
    async fn create_table(&self, until: Instant) -> Result<(), StoreError> {
        let create = || async {
            let mut connection = self.connection(until).await?;
            D::create_table(&mut connection).await.map_err(|error| failed("connect", error))
        };
        self.table.get_or_try_init(create).await.copied()
    }

    /// Learns the dialect on a connection that goes back to the pool: one is enough for all.
    async fn dialect(&self, until: Instant) -> Result<&Arc<D>, StoreError> {
        let learn = || async {
            let mut connection = self.connection(until).await?;
            let learned = D::learn(&mut connection).await;
            learned.map(Arc::new).map_err(|error| failed("connect", error))
        };
        self.dialect.get_or_try_init(learn).await
    }
}

impl<D: Dialect> BusinessDatabase for Pooled<D>
where
    ActiveTx<D>: Steps,
{
    fn begin<'a>(
        &'a self,
        plan: &'a Plan,
        until: Instant,
    ) -> StoreFuture<'a, Box<dyn BusinessTransaction>> {
        StoreFuture::new(async move {
            if plan.request.is_some() {
                self.create_table(until).await?;
            }
            let dialect = Arc::clone(self.dialect(until).await?);
            let connection = self.connection(until).await?;
            let begun = ActiveTx::begin(connection, dialect, until, &self.under_way).await?;
            Ok(Box::new(begun) as _)
        })
    }

    fn tidy(self: Arc<Self>) {
        if !self.put.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_AFTER) {
            return;
        }
        tokio::spawn(async move {
            let until = Instant::now() + PATIENCE;
            let purged = async {
                let mut connection = self.connection(until).await?;
                let purged = D::purge(&mut connection, TIDY).await;
                purged.map_err(|error| failed("purge", error))
            };
            if let Err(error) = purged.await {
                tracing::warn!(%error, "records whose life is over could not be dropped yet");
            }
        });
    }

    fn kind(&self) -> TypeId {
        TypeId::of::<D::Sqlx>()
    }

    fn describe(&self) -> String {
        D::describe(&self.pool)
    }
}

impl<D: Dialect> fmt::Debug for Pooled<D> {
    /// Without the options, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").field("pool", &self.pool).finish_non_exhaustive()
    }
}
