//! The environment that outlives a process: its store and its business database.

use crate::process::Process;
use crate::step::Step;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, MySqlConnection, PgConnection, Row, SqliteConnection};
use std::path::PathBuf;
use tempfile::TempDir;
use tests::{
    MariaDbServer, PostgresServer, RedisRefusal, RedisServer, SqlRefusal, ZooKeeperServer,
};

/// The records of a database.
macro_rules! values {
    ($connection:ident, $url:expr) => {{
        let mut connection = $connection::connect($url).await.expect("the store is there");
        let rows = sqlx::query("SELECT value FROM idempotency_records");
        let rows = rows.fetch_all(&mut connection).await.expect("it reads");
        rows.iter().map(|row| row.get(0)).collect()
    }};
}

/// Takes all records out of a database.
macro_rules! forget {
    ($connection:ident, $url:expr) => {{
        let mut connection = $connection::connect($url).await.expect("the store is there");
        let forgotten = sqlx::query("DELETE FROM idempotency_records").execute(&mut connection);
        forgotten.await.expect("it deletes");
    }};
}

/// Runs statements in a database.
macro_rules! run {
    ($connection:ident, $url:expr, $statements:expr) => {{
        let mut connection = $connection::connect($url).await.expect("the store is there");
        let done = sqlx::raw_sql($statements).execute(&mut connection);
        done.await.expect("it accepts the statements");
    }};
}

/// The file of the business database.
const BUSINESS: &str = "business.db";

/// The place of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// In the memory of the process that is killed.
    Memory,
    /// In a file.
    Sqlite,
    /// In other processes.
    Redis,
    Postgres,
    MariaDb,
    /// In the memory of the process, but locks on a server.
    Zoo,
    /// In the transaction of the business database.
    Transaction,
    TransactionInPostgres,
    TransactionInMariaDb,
}

/// A store and a business database for one test.
pub(crate) struct Environment {
    directory: TempDir,
    store: String,
    /// The database of transactions.
    ledger: String,
    redis: Option<RedisServer>,
    /// Ends with the environment.
    _zookeeper: Option<ZooKeeperServer>,
}

impl Environment {
    pub(crate) async fn new(kind: StoreKind) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let redis = (kind == StoreKind::Redis).then(RedisServer::start);
        let zookeeper = match kind {
            StoreKind::Zoo => Some(ZooKeeperServer::start().await),
            _ => None,
        };
        let store = match (kind, &redis) {
            (StoreKind::Zoo, _) => zookeeper.as_ref().map(ZooKeeperServer::url).unwrap_or_default(),
            (StoreKind::Sqlite, _) => format!("sqlite:{}", directory.path().join("r.db").display()),
            (StoreKind::Postgres, _) => PostgresServer::shared().await.database().await,
            (StoreKind::MariaDb, _) => MariaDbServer::shared().await.database().await,
            (_, Some(redis)) => redis.url(),
            (_, None) => "memory:".to_owned(),
        };
        let ledger = match kind {
            StoreKind::TransactionInPostgres => PostgresServer::shared().await.database().await,
            StoreKind::TransactionInMariaDb => MariaDbServer::shared().await.database().await,
            _ => format!("sqlite:{}", directory.path().join(BUSINESS).display()),
        };
        Self { directory, store, ledger, redis, _zookeeper: zookeeper }
    }

    /// An environment without a store, whose transactions are in this database.
    pub(crate) fn with_ledger(ledger: String) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory, store: "memory:".to_owned(), ledger, redis: None, _zookeeper: None }
    }

    /// Starts a process that lives until it is told otherwise.
    pub(crate) fn start(&self) -> Process {
        Process::start(&self.store, &self.business(), &self.ledger, None)
    }

    /// Starts a process that kills itself at this step.
    pub(crate) fn start_dying(&self, step: Step) -> Process {
        Process::start(&self.store, &self.business(), &self.ledger, Some(("dies", step)))
    }

    /// Starts a process that holds at this step, once.
    pub(crate) fn start_holding(&self, step: Step) -> Process {
        Process::start(&self.store, &self.business(), &self.ledger, Some(("holds", step)))
    }

    fn business(&self) -> PathBuf {
        self.directory.path().join(BUSINESS)
    }

    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.business());
        SqliteConnection::connect_with(&options).await.expect("the database is there")
    }

    /// The number of times that this was done to a thing, according to the ledger.
    pub(crate) async fn effects(&self, thing: &str) -> i64 {
        let count =
            format!("SELECT count(*) FROM marks WHERE thing = '{thing}' AND mark = 'effect'");
        let count = sqlx::AssertSqlSafe(count);
        let counted = match self.ledger.split(':').next() {
            Some("postgres") => {
                let mut ledger = PgConnection::connect(&self.ledger).await.expect("it is up");
                sqlx::query_scalar(count).fetch_one(&mut ledger).await
            }
            Some("mysql") => {
                let mut ledger = MySqlConnection::connect(&self.ledger).await.expect("it is up");
                sqlx::query_scalar(count).fetch_one(&mut ledger).await
            }
            _ => return self.marks(thing, "effect").await,
        };
        counted.expect("it counts")
    }

    /// The number of times that this was done to a thing, according to the business database.
    pub(crate) async fn marks(&self, thing: &str, mark: &str) -> i64 {
        let count = sqlx::query("SELECT count(*) FROM marks WHERE thing = ? AND mark = ?");
        let count = count.bind(thing).bind(mark).fetch_one(&mut self.connect().await).await;
        count.expect("it counts").get(0)
    }

    /// The fence of the last run that changed a thing with a check of its fence.
    pub(crate) async fn fence(&self, thing: &str) -> i64 {
        let fence = sqlx::query("SELECT fence FROM fences WHERE thing = ?").bind(thing);
        fence.fetch_one(&mut self.connect().await).await.expect("it was changed").get(0)
    }

    /// The store loses all its records.
    pub(crate) async fn forget(&self) {
        if let Some(redis) = &self.redis {
            redis.command::<()>(&["FLUSHALL"]);
        } else if self.store.starts_with("sqlite:") {
            forget!(SqliteConnection, &self.store);
        } else if self.store.starts_with("postgres:") {
            forget!(PgConnection, &self.store);
        } else {
            forget!(MySqlConnection, &self.store);
        }
    }

    /// Makes the store refuse to write.
    pub(crate) async fn refuse(&self) {
        match &self.redis {
            Some(redis) => RedisRefusal::OutOfMemory.begin(redis),
            None => self.run(|refusal| refusal.begins).await,
        }
    }

    /// Ends that refusal.
    pub(crate) async fn accept(&self) {
        match &self.redis {
            Some(redis) => RedisRefusal::OutOfMemory.end(redis),
            None => self.run(|refusal| refusal.ends).await,
        }
    }

    /// Runs the statements of a refusal for lack of room.
    async fn run(&self, statements: impl Fn(SqlRefusal) -> &'static str) {
        if self.store.starts_with("sqlite:") {
            run!(SqliteConnection, &self.store, statements(SqlRefusal::SQLITE[0]));
        } else if self.store.starts_with("postgres:") {
            run!(PgConnection, &self.store, statements(SqlRefusal::POSTGRES[1]));
        } else {
            run!(MySqlConnection, &self.store, statements(SqlRefusal::MARIADB[1]));
        }
    }

    /// Every record of the store, as its bytes.
    pub(crate) async fn records(&self) -> Vec<Vec<u8>> {
        let mut records: Vec<Vec<u8>> = if let Some(redis) = &self.redis {
            let names: Vec<String> = redis.command(&["KEYS", "*"]);
            names.iter().map(|name| redis.command(&["GET", name])).collect()
        } else if self.store.starts_with("sqlite:") {
            values!(SqliteConnection, &self.store)
        } else if self.store.starts_with("postgres:") {
            values!(PgConnection, &self.store)
        } else {
            values!(MySqlConnection, &self.store)
        };
        records.sort_unstable();
        records
    }
}
