//! Guards in the business transaction: what commits, what does not, and who waits for whom.

mod dedup_table;
mod routes;
mod rows;
mod unique;

use actix_web::web::Data;
use idempotent_runtime::{Builder, Idempotency, MemoryStore, Scope};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tempfile::TempDir;
use tests::{Sender, Server, Stage};

/// A guarded server on a business database.
struct Bank {
    pool: SqlitePool,
    stage: Stage,
    idempotency: Idempotency,
    server: Server,
    _directory: TempDir,
}

impl Bank {
    /// With as many connections as this to its database.
    async fn open(connections: u32) -> Self {
        Self::with(connections, |builder| builder).await
    }

    async fn with(connections: u32, set: impl FnOnce(Builder) -> Builder) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("bank.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(connections);
        let pool = pool.connect_with(options).await.unwrap();
        let schema = "CREATE TABLE effects (what TEXT NOT NULL) STRICT;
                      CREATE TABLE codes (code TEXT NOT NULL UNIQUE) STRICT;";
        sqlx::raw_sql(schema).execute(&pool).await.unwrap();
        let idempotency = set(Idempotency::builder(MemoryStore::new())
            .scope(Scope::header("Authorization"))
            .database(pool.clone()))
        .build()
        .unwrap();
        let stage = Stage::new();
        let data = pool.clone();
        let server = Server::start(&idempotency, &stage, move |config| {
            config.app_data(Data::new(data.clone()));
            routes::all(config);
        });
        Self { pool, stage, idempotency, server, _directory: directory }
    }

    fn post(&self, path: &str) -> Sender {
        self.server.post(path)
    }

    /// What handlers did and committed.
    async fn effects(&self) -> i64 {
        self.number("SELECT count(*) FROM effects").await
    }

    /// The records that committed.
    async fn records(&self) -> i64 {
        self.number("SELECT count(*) FROM idempotency_records").await
    }

    async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }
}
