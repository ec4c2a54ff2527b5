//! The business: payments in an `SQLite` file, and how often each was delivered.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS payments (id INTEGER, cents INTEGER);
    CREATE TABLE IF NOT EXISTS deliveries (id INTEGER)";

/// The ledger of payments. By itself it would take a payment twice.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) pool: SqlitePool,
}

impl Ledger {
    pub(crate) async fn open(path: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Only processes are killed here, never the host, so nothing needs to reach the disk.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_mins(1));
        let pool = SqlitePool::connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    pub(crate) async fn record_delivery(&self, id: u32) -> sqlx::Result<()> {
        let insert = sqlx::query("INSERT INTO deliveries (id) VALUES (?)").bind(id);
        insert.execute(&self.pool).await.map(drop)
    }

    pub(crate) async fn distinct_payments(&self) -> sqlx::Result<u32> {
        self.count("SELECT COUNT(DISTINCT id) FROM payments").await
    }

    /// Waits until this number of payments is made.
    pub(crate) async fn wait_for_payments(&self, payments: u32) -> Result<(), Box<dyn Error>> {
        while self.distinct_payments().await? < payments {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) async fn payment_rows(&self) -> sqlx::Result<u32> {
        self.count("SELECT COUNT(*) FROM payments").await
    }

    pub(crate) async fn deliveries(&self) -> sqlx::Result<u32> {
        self.count("SELECT COUNT(*) FROM deliveries").await
    }

    async fn count(&self, of: &'static str) -> sqlx::Result<u32> {
        sqlx::query_scalar(of).fetch_one(&self.pool).await
    }
}
