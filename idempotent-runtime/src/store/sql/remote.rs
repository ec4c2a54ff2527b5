//! The operations of a store on a database server, whichever it is.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::finding::Finding;
use crate::store::sql::connections::SqlConnections;
use crate::store::sql::contract::Rows;
use bytes::Bytes;
use std::time::Duration;

/// A store on a database server.
#[derive(Debug)]
pub(super) struct RemoteStore<C: Rows> {
    connections: SqlConnections<C>,
    findings: Vec<Finding>,
}

impl<C: Rows> RemoteStore<C> {
    /// Connects, checks the server's settings, and creates the table where it is missing.
    pub(super) async fn connect(
        thread: &'static str,
        options: C::Options,
    ) -> Result<Self, StoreError> {
        let connections = SqlConnections::new(thread, options)?;
        let prepared = connections.run("connect", |connection: &mut C| {
            Box::pin(async move {
                let findings = connection.examine().await?;
                connection.create_table().await?;
                Ok(findings)
            })
        });
        let findings = prepared.await?;
        Ok(Self { connections, findings })
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
