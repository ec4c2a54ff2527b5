//! The commands for operators, run as a shell does, on stores of every kind.

mod chapter;
mod credentials;
mod database;
mod doctor;
mod endings;
mod listed;
mod pages;
mod purge;
mod ran;
mod settled;
mod shop;
mod shown;

use idempotent_runtime::store::{self, Store};
use std::any::Any;
use std::sync::Arc;
use tests::{MariaDbServer, PostgresServer, RedisServer};

/// A store that only one test uses, with its URL. Its server or file ends with it.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    _kept: Box<dyn Any + Send + Sync>,
}

impl Place {
    pub(crate) async fn at(url: String, kept: impl Any + Send + Sync) -> Self {
        let store = store::open(&url).await.expect("it opens");
        Self { url, store, _kept: Box::new(kept) }
    }

    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("records.db").display());
        Self::at(url, directory).await
    }

    pub(crate) async fn redis() -> Self {
        let server = RedisServer::start();
        Self::at(server.url(), server).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(PostgresServer::shared().await.database().await, ()).await
    }

    pub(crate) async fn mariadb() -> Self {
        Self::at(MariaDbServer::shared().await.database().await, ()).await
    }

    /// One of each kind.
    pub(crate) async fn all() -> [Self; 4] {
        [Self::sqlite().await, Self::redis().await, Self::postgres().await, Self::mariadb().await]
    }

    /// The databases among them. They drop a record only when they are asked to.
    pub(crate) async fn databases() -> [Self; 3] {
        [Self::sqlite().await, Self::postgres().await, Self::mariadb().await]
    }
}
