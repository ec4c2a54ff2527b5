//! The stores and business databases of tests.

use std::sync::Arc;
use tests::{DURABLE_BEFORE_VISIBLE, MariaDbServer, PostgresServer, RedisServer};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// A store and a business database by their URLs. Their servers run for as long as this lives.
#[derive(Clone)]
pub(crate) struct Records {
    store: String,
    business: String,
    own: Own,
}

/// A server of a test's own.
#[derive(Clone)]
enum Own {
    None,
    Redis { _server: Arc<RedisServer> },
    Postgres(Arc<PostgresServer>),
    MariaDb(Arc<MariaDbServer>),
}

impl Records {
    fn new(store: String) -> Self {
        Self { store, business: "sqlite:orders.db".to_owned(), own: Own::None }
    }

    /// In the process.
    pub(crate) fn memory() -> Self {
        Self::new("memory:".to_owned())
    }

    /// In a file beside the business database.
    pub(crate) fn sqlite() -> Self {
        Self::new("sqlite:records.db".to_owned())
    }

    /// In a server of the test's own.
    pub(crate) fn redis() -> Self {
        let server = RedisServer::start();
        let records = Self::new(server.url());
        Self { own: Own::Redis { _server: Arc::new(server) }, ..records }
    }

    /// In a database of the tests' `PostgreSQL` server.
    pub(crate) fn postgres() -> Self {
        Self::new(ready(async { PostgresServer::shared().await.database().await }))
    }

    /// In a database of the tests' `MariaDB` server.
    pub(crate) fn mariadb() -> Self {
        Self::new(ready(async { MariaDbServer::shared().await.database().await }))
    }

    /// In the process, and the business in `PostgreSQL`.
    pub(crate) fn business_in_postgres() -> Self {
        Self { business: Self::postgres().store, ..Self::memory() }
    }

    /// In the process, and the business in `MariaDB`.
    pub(crate) fn business_in_mariadb() -> Self {
        Self { business: Self::mariadb().store, ..Self::memory() }
    }

    /// In the process, and the business in a `PostgreSQL` server of the test's own.
    pub(crate) fn business_in_own_postgres() -> Self {
        let (server, business) = ready(async {
            let server = PostgresServer::start_with(&["-c", "fsync=off"]).await;
            let business = server.database().await;
            (server, business)
        });
        Self { business, own: Own::Postgres(Arc::new(server)), ..Self::memory() }
    }

    /// In the process, and the business in a `MariaDB` server of the test's own.
    pub(crate) fn business_in_own_mariadb() -> Self {
        let (server, business) = ready(async {
            let server = MariaDbServer::start_with(&DURABLE_BEFORE_VISIBLE).await;
            let business = server.database().await;
            (server, business)
        });
        Self { business, own: Own::MariaDb(Arc::new(server)), ..Self::memory() }
    }

    /// Kills the server that the business is in, if it is the test's own, and starts it again.
    pub(crate) async fn kill_business(&self) {
        match &self.own {
            Own::None | Own::Redis { .. } => {}
            Own::Postgres(server) => {
                server.kill();
                server.restart().await;
            }
            Own::MariaDb(server) => {
                server.kill();
                server.restart().await;
            }
        }
    }

    /// The value of `--store`.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// The value of `--database`.
    pub(crate) fn business(&self) -> &str {
        &self.business
    }
}

fn ready<T>(made: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(made))
}
