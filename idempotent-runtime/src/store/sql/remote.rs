//! The operations of a store on a database server, whichever it is.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Entry, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::sql::connections::SqlConnections;
use crate::store::sql::contract::Rows;
use crate::store::sql::errors::table_missing;
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
        options: C::Options,
    ) -> Result<Self, StoreError> {
        let connections = SqlConnections::new(thread, options)?;
        let findings =
            connections.run("connect", |connection: &mut C| connection.examine()).await?;
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
