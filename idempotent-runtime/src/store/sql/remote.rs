//! The operations of a store on a database server, whichever it is.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Entry, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::sql::connections::SqlConnections;
use crate::store::sql::contract::Rows;
use crate::store::sql::errors::table_missing;
use crate::store::sql::login::Login;
use crate::store::sql::protection::TlsBuild;
use bytes::Bytes;
use std::time::Duration;

/// A store on a database server.
#[derive(Debug)]
pub(super) struct RemoteStore<C: Rows> {
    connections: SqlConnections<C>,
    findings: Vec<Finding>,
}

impl<C: Rows> RemoteStore<C> {
    /// Connects, checks the server's settings, and creates the table where it is missing and may be created.
    pub(super) async fn connect(
        thread: &'static str,
        login: Login<C::Options>,
        build: TlsBuild,
    ) -> Result<Self, StoreError> {
        let (protection, way) = C::protection(login.options())?;
        protection.refuse_without(build)?;
        let connections = SqlConnections::new(thread, login)?;
        connections.open_first().await?;
        let mut findings =
            connections.run("connect", |connection: &mut C| connection.examine()).await?;
        findings.extend(protection.finding(way, &C::MODES));
        let created = connections.run("connect", |connection: &mut C| connection.create_table());
        created.await.map_err(|error| table_missing(error, C::SCHEMA))?;
        Ok(Self { connections, findings })
    }

    /// Has this many connections at most.
    pub(super) fn resize(self, connections: usize) -> Self {
        self.connections.resize(connections);
        self
    }

    pub(super) fn adopt(&self, settings: &StoreSettings) {
        self.connections.adopt(settings.patience);
    }

    pub(super) async fn create(
        &self,
        key: StorageKey,
        value: Bytes,
        life: Duration,
    ) -> Result<Option<Bytes>, StoreError> {
        let put = self.connections.run("create", move |connection| {
            Box::pin(put_until_decided(connection, key, value, life, None))
        });
        match put.await? {
            Swap::Done => Ok(None),
            Swap::Differs(there) => Ok(there),
        }
    }

    pub(super) async fn swap(
        &self,
        key: StorageKey,
        expected: Bytes,
        value: Bytes,
        life: Duration,
    ) -> Result<Swap, StoreError> {
        let put = self.connections.run("swap", move |connection| {
            Box::pin(put_until_decided(connection, key, value, life, Some(expected)))
        });
        put.await
    }

    pub(super) async fn read(&self, key: StorageKey) -> Result<Option<Entry>, StoreError> {
        let read = self
            .connections
            .run("read", move |connection| Box::pin(async move { connection.read(&key).await }));
        read.await
    }

    pub(super) async fn purge(&self, limit: u32) -> Result<u32, StoreError> {
        self.connections.run("purge", move |connection| connection.purge(limit)).await
    }

    /// The address of the server, and the settings of its connections.
    pub(super) fn options(&self) -> &C::Options {
        self.connections.options()
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl<C: Rows> Clone for RemoteStore<C> {
    fn clone(&self) -> Self {
        Self { connections: self.connections.clone(), findings: self.findings() }
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
        let store = RemoteStore::<C>::connect("test", Login::new(options), TlsBuild::Absent);
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
