//! The stores that every behaviour is tested on, and the passing of time for each.

use crate::stored_bytes::StoredBytes;
use crate::{MariaDbServer, PostgresServer, Probe, RedisServer, ZooKeeperServer};
use idempotent_runtime::clock::{Clock, ManualClock, SystemClock};
use idempotent_runtime::lock::ZooKeeperLocks;
use idempotent_runtime::store::Store;
use idempotent_runtime::{MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore};
use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store that only one test uses, watched by a [`Probe`].
#[derive(Debug)]
pub struct Backend {
    /// The store, as the server under test gets it.
    pub store: Probe,
    /// The clock that the server under test gets.
    pub clock: Arc<dyn Clock>,
    manual: Option<Arc<ManualClock>>,
    /// The locks of each process, if they are not in the store.
    locks: Option<Mutex<Vec<ZooKeeperLocks>>>,
    bytes: StoredBytes,
    _kept: Box<dyn Any + Send + Sync>,
}

impl Backend {
    /// Memory, with a clock that the test moves.
    pub async fn memory() -> Self {
        let clock = Arc::new(ManualClock::new());
        Self::held(MemoryStore::with_clock(clock.clone()), clock, ())
    }

    /// An `SQLite` file, with a clock that the test moves.
    pub async fn sqlite() -> Self {
        let clock = Arc::new(ManualClock::new());
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("records.db");
        let store = SqliteStore::open_with_clock(path, clock.clone()).await.expect("it opens");
        let bytes = StoredBytes::Files(directory.path().to_owned());
        Self { bytes, ..Self::held(store, clock, directory) }
    }

    /// Memory, by the host's clock.
    pub async fn memory_in_real_time() -> Self {
        Self::timed(MemoryStore::new(), ())
    }

    /// An `SQLite` file, by the host's clock.
    pub async fn sqlite_in_real_time() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("records.db");
        Self::timed(SqliteStore::open(path).await.expect("it opens"), directory)
    }

    /// A Redis server, which has a clock of its own.
    pub async fn redis() -> Self {
        let server = RedisServer::start();
        let store = RedisStore::connect(&server.url()).await.expect("it connects");
        Self { bytes: StoredBytes::Redis(server.url()), ..Self::timed(store, server) }
    }

    /// A database of the tests' `PostgreSQL` server, which has a clock of its own.
    pub async fn postgres() -> Self {
        let database = PostgresServer::shared().await.database().await;
        let store = PostgresStore::connect(&database).await.expect("it connects");
        Self { bytes: StoredBytes::Postgres(database), ..Self::timed(store, ()) }
    }

    /// A database of the tests' `MariaDB` server, which has a clock of its own.
    pub async fn mariadb() -> Self {
        let database = MariaDbServer::shared().await.database().await;
        let store = MySqlStore::connect(&database).await.expect("it connects");
        Self { bytes: StoredBytes::MariaDb(database), ..Self::timed(store, ()) }
    }

    /// Records in memory, and locks on a `ZooKeeper` server, which has a clock of its own.
    pub async fn zookeeper() -> Self {
        let server = ZooKeeperServer::start().await;
        let mut locks = Vec::new();
        for _process in 0..2 {
            locks.push(ZooKeeperLocks::connect(&server.url()).await.expect("it connects"));
        }
        Self { locks: Some(Mutex::new(locks)), ..Self::timed(MemoryStore::new(), server) }
    }

    /// The bytes of answers that an app remembers: none with a real server, so that the app asks it each time.
    pub fn remembered(&self) -> usize {
        if self.store.describe().starts_with("memory") { 4 << 20 } else { 0 }
    }

    /// The locks of another process, if they are not in the store.
    pub fn locks(&self) -> Option<ZooKeeperLocks> {
        let locks = self.locks.as_ref()?;
        Some(locks.lock().expect("no panic").pop().expect("two processes"))
    }

    fn timed(store: impl Store, kept: impl Any + Send + Sync) -> Self {
        Self {
            store: Probe::new(store),
            clock: Arc::new(SystemClock::new()),
            manual: None,
            locks: None,
            bytes: StoredBytes::InMemory,
            _kept: Box::new(kept),
        }
    }

    fn held(store: impl Store, clock: Arc<ManualClock>, kept: impl Any + Send + Sync) -> Self {
        Self {
            store: Probe::new(store),
            clock: clock.clone(),
            manual: Some(clock),
            locks: None,
            bytes: StoredBytes::InMemory,
            _kept: Box::new(kept),
        }
    }

    /// All bytes that the backend has of its records, read without the store: values and readable columns.
    pub async fn bytes(&self) -> Vec<u8> {
        self.bytes.read(&self.store).await
    }

    /// Lets this much time pass for the store.
    pub async fn pass(&self, time: Duration) {
        match &self.manual {
            Some(clock) => clock.advance(time),
            // The server's clock cannot be moved; a little more makes up for its rounding.
            None => tokio::time::sleep(time + Duration::from_millis(5)).await,
        }
    }
}
