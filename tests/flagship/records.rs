//! Where the records and the business of a test live.

use std::sync::Arc;
use tests::{MariaDbServer, PostgresServer, RedisServer};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// A store and a business database by their URLs, kept up for as long as they are used.
#[derive(Clone)]
pub(crate) struct Records {
    store: String,
    business: String,
    _server: Option<Arc<RedisServer>>,
}

impl Records {
    fn new(store: String) -> Self {
        Self { store, business: "sqlite:orders.db".to_owned(), _server: None }
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
        Self { _server: Some(Arc::new(server)), ..records }
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

    /// What `--store` is given.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// What `--database` is given.
    pub(crate) fn business(&self) -> &str {
        &self.business
    }
}

fn ready(database: impl Future<Output = String>) -> String {
    block_in_place(|| Handle::current().block_on(database))
}
