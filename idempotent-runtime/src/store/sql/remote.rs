//! The operations of a store on a database server, whichever it is.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::{Finding, Severity};
use crate::store::future::StoreFuture;
use crate::store::sql::connections::SqlConnections;
use crate::store::sql::contract::{Rows, WatchKeys};
use crate::store::sql::errors::{table_missing, table_unfit};
use crate::store::sql::login::Login;
use crate::store::sql::pages::TablePage;
use crate::store::sql::protection::TlsBuild;
use crate::store::trial::refused_for_good;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A store on a database server.
#[derive(Debug)]
pub(super) struct RemoteStore<C: Rows> {
    connections: SqlConnections<C>,
    watches: Option<Arc<dyn WatchKeys>>,
    findings: Vec<Finding>,
}

impl<C: Rows> RemoteStore<C> {
    /// Connects, checks the server's settings, creates the table where it is missing and may be created, and
    /// tries it.
    pub(super) async fn log_in(login: Login<C::Options>) -> Result<Self, StoreError> {
        let store = Self::connect(login, TlsBuild::ours()).await?;
        if store.findings.iter().all(|finding| finding.severity != Severity::Error) {
            let tried = refused_for_good(&store).await;
            tried.map_err(|error| table_unfit(error, C::SCHEMA))?;
        }
        Ok(store)
    }

    async fn connect(login: Login<C::Options>, build: TlsBuild) -> Result<Self, StoreError> {
        let (protection, way) = C::protection(login.options())?;
        protection.refuse_without(build)?;
        let connections = SqlConnections::new(C::THREAD, login)?;
        connections.open_first().await?;
        let mut findings =
            connections.run("connect", |connection: &mut C| connection.examine()).await?;
        findings.extend(protection.finding(way, &C::MODES));
        let created = connections.run("connect", |connection: &mut C| connection.create_table());
        created.await.map_err(|error| table_missing(error, C::SCHEMA))?;
        Ok(Self { watches: connections.watches(), connections, findings })
    }

    /// Has this many connections at most.
    pub(super) fn resize(self, connections: usize) -> Self {
        self.connections.resize(connections);
        self
    }
}

impl<C: Rows> Store for RemoteStore<C> {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        let (key, value) = (*key, value.clone());
        let put = self.connections.run("create", move |connection| {
            Box::pin(put_until_decided(connection, key, value, life, None))
        });
        StoreFuture::new(async {
            match put.await? {
                Swap::Done => Ok(None),
                Swap::Differs(there) => Ok(there),
            }
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        let (key, expected, value) = (*key, expected.clone(), value.clone());
        StoreFuture::new(self.connections.run("swap", move |connection| {
            Box::pin(put_until_decided(connection, key, value, life, Some(expected)))
        }))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        let key = *key;
        let read = self
            .connections
            .run("read", move |connection| Box::pin(async move { connection.read(&key).await }));
        StoreFuture::new(read)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        let purge = self.connections.run("purge", move |connection| connection.purge(limit));
        StoreFuture::new(purge)
    }

    fn describe(&self) -> String {
        C::describe(self.connections.options())
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.watches.as_ref().map(|watches| watches.watch(key))
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        Some(match TablePage::asked(request) {
            Ok(page) => StoreFuture::new(
                self.connections.run("browse", move |connection| connection.page(page)),
            ),
            Err(foreign) => StoreFuture::ready(Err(foreign)),
        })
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.connections.adopt(settings.patience);
    }
}

impl<C: Rows> Clone for RemoteStore<C> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            watches: self.watches.clone(),
            findings: self.findings.clone(),
        }
    }
}

/// Puts until no other write came in between; each time one did, that write got ahead.
async fn put_until_decided<C: Rows>(
    connection: &mut C,
    key: StorageKey,
    value: Bytes,
    life: Duration,
    expected: Option<Bytes>,
) -> Result<Swap, sqlx::Error> {
    loop {
        if let Some(swap) = connection.put(&key, &value, life, expected.as_deref()).await? {
            return Ok(swap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::TcpListener;

    /// Connects a build without TLS to a server that only listens, and says whether anybody came.
    async fn refused_unseen<C: Rows>(url: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let url = url.replace("PORT", &port);
        let Ok(options) = url.parse::<C::Options>() else { panic!("{url}") };
        let store = RemoteStore::<C>::connect(Login::new(options), TlsBuild::Absent);
        let error = store.await.map(drop).expect_err(&url);
        assert!(error.to_string().contains("feature `tls`"), "{url}: {error}");
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{url}");
    }

    #[cfg(feature = "postgres")]
    #[tokio::test]
    async fn a_build_without_tls_says_nothing_to_a_postgres_server_that_is_asked_for_it() {
        for mode in ["require", "verify-ca", "verify-full", "REQUIRE"] {
            let url = format!("postgres://user:secret@127.0.0.1:PORT/db?sslmode={mode}");
            refused_unseen::<sqlx::PgConnection>(&url).await;
        }
    }

    #[cfg(feature = "mysql")]
    #[tokio::test]
    async fn a_build_without_tls_says_nothing_to_a_mysql_server_that_is_asked_for_it() {
        for mode in ["ssl-mode=REQUIRED", "sslmode=verify_ca", "ssl-mode=VERIFY_IDENTITY"] {
            let url = format!("mysql://user:secret@127.0.0.1:PORT/db?{mode}");
            refused_unseen::<sqlx::MySqlConnection>(&url).await;
        }
    }
}
