//! The stores, each with data of its own, and the passing of time there.

use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::store::Store;
use idempotent_runtime::{MemoryStore, MySqlStore, PostgresStore, RedisStore, SqliteStore};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, raw_sql};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tests::{MariaDbServer, PostgresServer, RedisServer};

/// The place of the records of one sequence of steps.
pub(crate) trait Place: Sized + 'static {
    async fn open(clock: &Arc<ManualClock>) -> Self;

    /// The store, opened as by a process that starts now.
    async fn connect(&self) -> Arc<dyn Store>;

    /// Lets time pass for the store, unless the clock does that already.
    ///
    /// A server's clock cannot be moved. Ending all lives sooner has the same effect.
    async fn pass(&self, _time: Duration) {}
}

pub(crate) struct Memory(MemoryStore);

impl Place for Memory {
    async fn open(clock: &Arc<ManualClock>) -> Self {
        Self(MemoryStore::with_clock(clock.clone()))
    }

    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

pub(crate) struct Sqlite {
    directory: TempDir,
    clock: Arc<ManualClock>,
}

impl Place for Sqlite {
    async fn open(clock: &Arc<ManualClock>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self { directory, clock: clock.clone() }
    }

    async fn connect(&self) -> Arc<dyn Store> {
        let path = self.directory.path().join("records.db");
        Arc::new(SqliteStore::open_with_clock(path, self.clock.clone()).await.expect("it opens"))
    }
}

pub(crate) struct Redis(RedisServer);

impl Place for Redis {
    async fn open(_: &Arc<ManualClock>) -> Self {
        Self(RedisServer::start())
    }

    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::connect(&self.0.url()).await.expect("it connects"))
    }

    async fn pass(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).expect("some hours");
        let names: Vec<String> = self.0.command(&["KEYS", "*"]);
        for name in names {
            let left: i64 = self.0.command(&["PTTL", &name]);
            // A life of zero or less ends at once.
            let () = self.0.command(&["PEXPIRE", &name, &(left - time).to_string()]);
        }
    }
}

/// Ends the lives in a database sooner.
macro_rules! database {
    ($place:ident, $server:ident, $store:ident, $connection:ident) => {
        pub(crate) struct $place(String);

        impl Place for $place {
            async fn open(_: &Arc<ManualClock>) -> Self {
                Self($server::shared().await.database().await)
            }

            async fn connect(&self) -> Arc<dyn Store> {
                Arc::new($store::connect(&self.0).await.expect("it connects"))
            }

            async fn pass(&self, time: Duration) {
                let time = time.as_millis();
                let sooner = format!("UPDATE idempotency_records SET ends = ends - {time}");
                let mut connection = $connection::connect(&self.0).await.expect("it connects");
                let sooner = raw_sql(AssertSqlSafe(sooner)).execute(&mut connection).await;
                sooner.expect("the server accepts it");
                connection.close().await.expect("the server is up");
            }
        }
    };
}

database!(Postgres, PostgresServer, PostgresStore, PgConnection);
database!(MariaDb, MariaDbServer, MySqlStore, MySqlConnection);
