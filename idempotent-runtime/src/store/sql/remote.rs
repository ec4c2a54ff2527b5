//! A store on a database server, whichever it is.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::contract::{Entry, Swap};
use crate::store::finding::Finding;
use crate::store::sql::connections::Connections;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sqlx::Connection;
use std::time::Duration;

/// A step of a conversation with the server.
pub(super) type Step<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// What a database is told, on one connection.
pub(super) trait Rows: Connection + 'static {
    /// Sets a new connection up.
    fn settle(&mut self) -> Step<'_, ()>;

    /// Makes the table where it is missing, and looks at the server's settings.
    fn prepare(&mut self) -> Step<'_, Vec<Finding>>;

    /// Puts a value where none is alive or, if one is expected, where that is; answers nothing if
    /// others were writing and it must be tried again.
    fn put<'c>(
        &'c mut self,
        key: &'c StorageKey,
        value: &'c [u8],
        life: Duration,
        expected: Option<&'c [u8]>,
    ) -> Step<'c, Option<Swap>>;

    /// What is alive under a key.
    fn look<'c>(&'c mut self, key: &'c StorageKey) -> Step<'c, Option<Entry>>;

    /// Drops at most so many values whose life is over.
    fn purge(&mut self, limit: u32) -> Step<'_, u32>;
}

/// The operations of a store, on the connections to its server.
#[derive(Debug)]
pub(super) struct Remote<C: Rows> {
    connections: Connections<C>,
    findings: Vec<Finding>,
}

impl<C: Rows> Remote<C> {
    pub(super) async fn connect(
        thread: &'static str,
        options: C::Options,
    ) -> Result<Self, StoreError> {
        let connections = Connections::new(thread, options)?;
        let findings = connections.ask("connect", C::prepare).await?;
        Ok(Self { connections, findings })
    }

    pub(super) async fn create(
        &self,
        key: StorageKey,
        value: Bytes,
        life: Duration,
    ) -> Result<Option<Bytes>, StoreError> {
        let put = self
            .connections
            .ask("create", move |connection| Box::pin(insist(connection, key, value, life, None)));
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
        let put = self.connections.ask("swap", move |connection| {
            Box::pin(insist(connection, key, value, life, Some(expected)))
        });
        put.await
    }

    pub(super) async fn read(&self, key: StorageKey) -> Result<Option<Entry>, StoreError> {
        let look = self
            .connections
            .ask("read", move |connection| Box::pin(async move { connection.look(&key).await }));
        look.await
    }

    pub(super) async fn purge(&self, limit: u32) -> Result<u32, StoreError> {
        self.connections.ask("purge", move |connection| connection.purge(limit)).await
    }

    /// Where the server is, and how it is spoken to.
    pub(super) fn options(&self) -> &C::Options {
        self.connections.options()
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl<C: Rows> Clone for Remote<C> {
    fn clone(&self) -> Self {
        Self { connections: self.connections.clone(), findings: self.findings() }
    }
}

/// Puts until nobody else got in between; whoever did got ahead.
async fn insist<C: Rows>(
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
