//! Where the records of a test live.

use std::sync::Arc;
use tests::{MariaDbServer, PostgresServer, RedisServer};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// A store by its URL, kept up for as long as it is used.
#[derive(Clone)]
pub(crate) struct Records {
    url: String,
    _server: Option<Arc<RedisServer>>,
}

impl Records {
    /// In the process.
    pub(crate) fn memory() -> Self {
        Self { url: "memory:".to_owned(), _server: None }
    }

    /// In a file beside the business database.
    pub(crate) fn sqlite() -> Self {
        Self { url: "sqlite:records.db".to_owned(), _server: None }
    }

    /// In a server of the test's own.
    pub(crate) fn redis() -> Self {
        let server = RedisServer::start();
        Self { url: server.url(), _server: Some(Arc::new(server)) }
    }

    /// In a database of the tests' `PostgreSQL` server.
    pub(crate) fn postgres() -> Self {
        Self::of(async { PostgresServer::shared().await.database().await })
    }

    /// In a database of the tests' `MariaDB` server.
    pub(crate) fn mariadb() -> Self {
        Self::of(async { MariaDbServer::shared().await.database().await })
    }

    fn of(database: impl Future<Output = String>) -> Self {
        let url = block_in_place(|| Handle::current().block_on(database));
        Self { url, _server: None }
    }

    /// What `--store` is given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
