//! What outlives a process: its store, its business database, and the test.

use crate::process::Process;
use crate::step::Step;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Row, SqlitePool};
use std::path::PathBuf;
use tempfile::TempDir;
use tests::RedisServer;

/// Where the records of a world are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// In the process that is killed.
    Memory,
    /// In a file.
    Sqlite,
    /// In another process.
    Redis,
}

/// A store and a business database of a test's own.
pub(crate) struct World {
    directory: TempDir,
    keeper: Keeper,
    redis: Option<RedisServer>,
}

impl World {
    pub(crate) fn new(keeper: Keeper) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let redis = (keeper == Keeper::Redis).then(RedisServer::start);
        Self { directory, keeper, redis }
    }

    /// Starts a process that lives until it is told otherwise.
    pub(crate) fn start(&self) -> Process {
        Process::start(&self.store(), &self.business(), None)
    }

    /// Starts a process that kills itself at this step.
    pub(crate) fn start_mortal(&self, step: Step) -> Process {
        Process::start(&self.store(), &self.business(), Some(step))
    }

    fn store(&self) -> String {
        match (self.keeper, &self.redis) {
            (Keeper::Memory, _) => "memory:".to_owned(),
            (_, Some(redis)) => redis.url(),
            (_, None) => format!("sqlite:{}", self.records_file().display()),
        }
    }

    fn records_file(&self) -> PathBuf {
        self.directory.path().join("records.db")
    }

    fn business(&self) -> PathBuf {
        self.directory.path().join("business.db")
    }

    /// How often this was done to a thing, by the business database.
    pub(crate) async fn marks(&self, thing: &str, mark: &str) -> i64 {
        let pool = open(self.business()).await;
        let count = sqlx::query("SELECT count(*) FROM marks WHERE thing = ? AND mark = ?");
        count.bind(thing).bind(mark).fetch_one(&pool).await.expect("it counts").get(0)
    }

    /// The newest run that changed a thing under its fence.
    pub(crate) async fn fence(&self, thing: &str) -> i64 {
        let pool = open(self.business()).await;
        let fence = sqlx::query("SELECT fence FROM fences WHERE thing = ?").bind(thing);
        fence.fetch_one(&pool).await.expect("it was changed").get(0)
    }

    /// Every record of the store, as its bytes.
    pub(crate) async fn records(&self) -> Vec<Vec<u8>> {
        let mut records: Vec<Vec<u8>> = if let Some(redis) = &self.redis {
            let names: Vec<String> = redis.command(&["KEYS", "*"]);
            names.iter().map(|name| redis.command(&["GET", name])).collect()
        } else {
            let pool = open(self.records_file()).await;
            let rows = sqlx::query("SELECT value FROM idempotency_records").fetch_all(&pool).await;
            rows.expect("it reads").iter().map(|row| row.get(0)).collect()
        };
        records.sort_unstable();
        records
    }
}

async fn open(file: PathBuf) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(file);
    SqlitePool::connect_with(options).await.expect("the database is there")
}
