//! Transactions from a pool, of any database.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::sql::{TablePage, failed, table_missing, table_unfit};
use crate::store::{Entry, Page, PageRequest, StoreFuture};
use crate::transaction::active_tx::ActiveTx;
use crate::transaction::database::BusinessDatabase;
use crate::transaction::dialect::Dialect;
use crate::transaction::in_runtime::InRuntime;
use crate::transaction::plan::{Access, Limits, Plan};
use crate::transaction::steps::{AfterClaim, BusinessTransaction, RecordExchange, Steps};
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

/// The wait for a connection while no guarded transaction holds one: then the database is slow,
/// or the app itself holds the pool's connections.
const PATIENCE: Duration = Duration::from_secs(2);

/// The number of new records between two purges of those whose life is over. A purge drops up to twice
/// as many, so that the table does not grow.
const TIDY_AFTER: u32 = 128;
const TIDY: u32 = 2 * TIDY_AFTER;

/// A pool, and the dialect of its database, with settings that were read from its connections.
pub(super) struct Pooled<D: Dialect> {
    pool: Pool<D::Sqlx>,
    dialect: OnceCell<Arc<D>>,
    table: OnceCell<()>,
    /// Records put since the start.
    put: AtomicU32,
    /// A clone of this counts each transaction under way.
    under_way: Arc<()>,
}

impl<D: Dialect> Pooled<D> {
    pub(super) fn new(pool: Pool<D::Sqlx>) -> Arc<Self> {
        let (dialect, table) = (OnceCell::new(), OnceCell::new());
        Arc::new(Self { pool, dialect, table, put: AtomicU32::new(0), under_way: Arc::default() })
    }

    /// Waits for a connection, within these limits.
    async fn connection(
        &self,
        Limits { locks, open }: Limits,
    ) -> Result<InRuntime<PoolConnection<D::Sqlx>>, StoreError> {
        let mut acquired = pin!(self.pool.acquire());
        loop {
            let now = Instant::now();
            let look = if now < locks { locks.min(now + PATIENCE) } else { open };
            if let Ok(acquired) = timeout_at(look, &mut acquired).await {
                let acquired = acquired.map(InRuntime::current);
                return acquired.map_err(|error| failed("connect", error));
            }
            let under_way = self.under_way();
            let are_all_ours = under_way >= self.pool.options().get_max_connections() as usize;
            match under_way {
                // The wait is over, but the database had no time to answer yet.
                0 if look == locks && locks < open => {}
                0 => return Err(failed("connect", sqlx::Error::PoolTimedOut)),
                _ if look >= if are_all_ours { locks } else { open } => {
                    return Err(StoreError::new(StoreErrorKind::Busy, "connect"));
                }
                _ => {}
            }
        }
    }

    /// The number of guarded transactions under way.
    fn under_way(&self) -> usize {
        Arc::strong_count(&self.under_way) - 1
    }

    /// Creates the table of records once, outside of any transaction.
    async fn create_table(&self, limits: Limits) -> Result<(), StoreError> {
        let create = || async {
            let mut connection = self.connection(limits).await?;
            let created = D::create_table(&mut connection).await;
            created.map_err(|error| table_missing(failed("connect", error), D::SCHEMA))
        };
        self.table.get_or_try_init(create).await.copied()
    }

    /// Reads the dialect's settings on one connection, which goes back to the pool: one is enough for all.
    async fn dialect(&self, limits: Limits) -> Result<&Arc<D>, StoreError> {
        let learn = || async {
            let mut connection = self.connection(limits).await?;
            let learned = D::learn(&mut connection).await;
            learned.map(Arc::new).map_err(|error| failed("connect", error))
        };
        self.dialect.get_or_try_init(learn).await
    }

    /// Begins a transaction, within these limits.
    async fn open(&self, access: Access, limits: Limits) -> Result<ActiveTx<D>, StoreError> {
        let dialect = Arc::clone(self.dialect(limits).await?);
        let connection = self.connection(limits).await?;
        let wait = limits.locks.saturating_duration_since(Instant::now());
        let statements = dialect.begin_sql(access, wait);
        ActiveTx::begin(connection, dialect, statements, &self.under_way).await
    }
}

impl<D: Dialect> BusinessDatabase for Pooled<D>
where
    ActiveTx<D>: Steps,
{
    fn begin<'a>(
        &'a self,
        plan: &'a Plan,
        access: Access,
        limits: Limits,
    ) -> StoreFuture<'a, Box<dyn BusinessTransaction>> {
        StoreFuture::new(async move {
            if plan.request.is_some() {
                self.create_table(limits).await?;
            }
            Ok(Box::new(self.open(access, limits).await?) as _)
        })
    }

    fn read_record<'a>(
        &'a self,
        key: &'a StorageKey,
        limits: Limits,
    ) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(async move {
            self.create_table(limits).await?;
            let mut connection = self.connection(limits).await?;
            D::read(&mut connection, key).await.map_err(|error| failed("read", error))
        })
    }

    fn browse<'a>(&'a self, request: &'a PageRequest, limits: Limits) -> StoreFuture<'a, Page> {
        StoreFuture::new(async move {
            let page = TablePage::asked(request)?;
            self.create_table(limits).await?;
            let mut connection = self.connection(limits).await?;
            D::page(&mut connection, page).await.map_err(|error| failed("browse", error))
        })
    }

    fn try_out(&self, limits: Limits) -> StoreFuture<'_, ()> {
        StoreFuture::new(async move {
            self.create_table(limits).await?;
            let mut transaction = Box::new(self.open(Access::Write, limits).await?);
            let tried = try_steps(&mut *transaction).await;
            drop(transaction.roll_back().await);
            tried.map_err(|error| table_unfit(error, D::SCHEMA))
        })
    }

    fn ping(&self, limits: Limits) -> StoreFuture<'_, ()> {
        StoreFuture::new(async move {
            let mut connection = self.connection(limits).await?;
            let answered = D::execute(&mut connection, "SELECT 1".to_owned()).await;
            answered.map_err(|error| failed("ping", error))
        })
    }

    fn is_locked(&self) -> bool {
        D::ONE_AT_A_TIME && self.under_way() > 0
    }

    fn tidy(self: Arc<Self>) {
        if !self.put.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_AFTER) {
            return;
        }
        tokio::spawn(async move {
            let until = Instant::now() + PATIENCE;
            let limits = Limits { locks: until, open: until };
            let purged = async {
                let mut connection = self.connection(limits).await?;
                let purged = D::purge(&mut connection, TIDY).await;
                purged.map_err(|error| failed("purge", error))
            };
            if let Err(error) = purged.await {
                tracing::warn!(%error, "expired records could not be purged; they are purged at a later commit");
            }
        });
    }

    fn kind(&self) -> TypeId {
        TypeId::of::<D::Sqlx>()
    }

    fn has_settings(&self) -> bool {
        D::HAS_SETTINGS
    }

    fn describe(&self) -> String {
        D::describe(&self.pool)
    }
}

/// Puts and replaces a record as a guard does.
async fn try_steps(steps: &mut dyn Steps) -> Result<(), StoreError> {
    let key = StorageKey::from_bytes(rand::random());
    // The bytes are not text, as those of records are not.
    let (first, second) = (b"\0\xff\xfefirst", b"\0\xff\xfesecond");
    let put = steps.put_record(&key, first, PATIENCE, AfterClaim::Row).await?;
    let exchange = RecordExchange { key: &key, claimed: first, next: second, life: PATIENCE };
    let is_replaced = steps.replace_record(exchange).await?;
    let there = steps.put_record(&key, first, PATIENCE, AfterClaim::Row).await?;
    if put.is_none() && is_replaced && there.is_some_and(|there| there == second[..]) {
        return Ok(());
    }
    let why = "a record does not come back as it was put";
    Err(StoreError::new(StoreErrorKind::Rejected, "claim").because(why))
}

impl<D: Dialect> fmt::Debug for Pooled<D> {
    /// Leaves out the pool's options, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").field("pool", &self.pool).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use crate::key::StorageKey;
    use crate::store::{Cursor, PageRequest};
    use crate::transaction::database::Database;
    use crate::transaction::plan::{Access, Limits, Plan};
    use crate::transaction::steps::AfterClaim;
    use sqlx::sqlite::SqlitePoolOptions;
    use std::time::Duration;

    #[tokio::test]
    async fn committed_records_are_listed_page_by_page() {
        let pool = SqlitePoolOptions::new().max_connections(1).min_connections(1);
        let pool = pool.connect("sqlite::memory:").await.unwrap();
        let database = pool.into_business_database();
        let wait = Duration::from_secs(10);
        let plan = Plan { request: None, row: None, wait, settings: Vec::new() };
        let limits = || Limits::of(&plan, wait);
        let empty = database.browse(&PageRequest::first(10), limits()).await.unwrap();
        assert!(empty.entries.is_empty() && empty.next.is_none(), "before there is a table");
        for n in 0..30 {
            let (key, life) = (StorageKey::from_bytes([n; 32]), Duration::from_hours(1));
            let life = if n == 7 { Duration::ZERO } else { life };
            let mut transaction = database.begin(&plan, Access::Write, limits()).await.unwrap();
            let put = transaction.put_record(&key, &[n], life, AfterClaim::Row).await.unwrap();
            assert_eq!(put, None);
            match n {
                13 => transaction.roll_back().await.unwrap(),
                _ => transaction.commit().await.unwrap(),
            }
        }
        let (mut request, mut seen) = (PageRequest::first(4), Vec::new());
        loop {
            let page = database.browse(&request, limits()).await.unwrap();
            assert!(page.entries.len() <= 4, "{page:?}");
            seen.extend(page.entries.into_iter().map(|(_, entry)| entry.value[0]));
            let Some(next) = page.next else { break };
            request = request.after(next);
        }
        let committed: Vec<_> = (0..30).filter(|n| ![7, 13].contains(n)).collect();
        assert_eq!(seen, committed);
        let foreign = PageRequest::first(4).after(Cursor::new("memory.0.0"));
        database.browse(&foreign, limits()).await.expect_err("another's");
    }
}
