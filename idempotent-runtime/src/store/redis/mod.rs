//! Records in Redis or Valkey: one key each, so that a cluster can spread them.

// From the top; each imports only files below it.
mod doctor;
mod pages;
mod watches;

mod masters;

mod exchange;
mod names;
mod read;

mod connections;

mod endpoint;

mod connect_settings;

mod connection;

mod encryption;
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
mod host_list;

mod command;
mod errors;

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::{Finding, Severity};
use crate::store::future::StoreFuture;
use crate::store::record::Summary;
use crate::store::trial::refused_for_good;
use ::redis::{Client, RedisError, Script, cmd};
use bytes::Bytes;
use command::{string, with_life};
use errors::{failed, refuses_writes};
use exchange::{Exchange, Exchanges};
use names::Names;
use pages::{Keyspace, ScanPlace};
use read::read;
use std::fmt;
use std::time::Duration;
use watches::Watches;

pub(crate) use connection::RedisConnection;
pub(crate) use connections::RedisConnections;
pub(crate) use endpoint::Endpoint;

/// Keeps records in Redis 7.0 or later, or Valkey 8 or later.
///
/// A new request costs two commands (`SET … NX GET PX`, then an exchange), a replay costs one. The
/// exchange is the native `SET … IFEQ` if the server knows it (Redis 8.4, Valkey 8.1), and a script
/// otherwise. Lives are counted by the server's clock.
///
/// The server must be a master with `maxmemory-policy noeviction`: any other policy drops records
/// when memory is short.
pub struct RedisStore {
    connections: RedisConnections,
    /// The connections on which the server tells of changes.
    watches: Option<Watches>,
    names: Names,
    exchanges: Exchanges,
    read: Script,
    findings: Vec<Finding>,
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/database]` or `redis+unix:///path`.
    ///
    /// With the feature `redis-cluster` it also connects to a cluster, by some of its nodes:
    /// `redis+cluster://[user:password@]host:port,host:port`. With `redis-sentinel` it also connects to a
    /// master by its name; the sentinels at these hosts say where it is:
    /// `redis+sentinel://[user:password@]host:port,host:port/master[/database]`.
    ///
    /// With the feature `tls` all of them encrypt if the scheme begins with `rediss` instead of `redis`.
    /// `?ca=FILE` names the only authorities to trust, instead of the host's, and `?cert=FILE&key=FILE` a
    /// certificate of this client; the files are PEM and are read here. Without the feature such a URL is refused.
    ///
    /// # Errors
    /// When the URL is malformed, the server cannot be reached or refuses the credentials, or the user lacks a right
    /// that the store needs: each command is tried on a key of its own.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with_prefix(url, "idempotency:").await
    }

    /// Connects like [`connect`](Self::connect), with this prefix of all keys instead of `idempotency:`.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub async fn connect_with_prefix(
        url: &str,
        prefix: impl Into<String>,
    ) -> Result<Self, StoreError> {
        let endpoint = Endpoint::of(url).map_err(|error| failed("connect", error))?;
        Self::connect_to(endpoint, prefix.into()).await
    }

    /// Connects with the settings of this client, which may have certificates in memory. The store opens connections
    /// of its own.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), except for those about the URL.
    pub async fn connect_with(client: Client) -> Result<Self, StoreError> {
        Self::connect_to(Endpoint::by(client), "idempotency:".to_owned()).await
    }

    async fn connect_to(endpoint: Endpoint, prefix: String) -> Result<Self, StoreError> {
        let watches = Watches::of(&endpoint).map_err(|error| failed("connect", error))?;
        let connections = RedisConnections::new(endpoint);
        let examined = async {
            let mut connected = connections.get().await?;
            doctor::examine(&mut connected.connection).await
        };
        let mut findings = examined.await.map_err(|error| failed("connect", error))?;
        findings.extend(connections.endpoint().in_clear());
        let store = Self {
            connections,
            watches,
            names: Names::new(prefix),
            exchanges: Exchanges::new(),
            read: read::script(),
            findings,
        };
        if store.findings.iter().all(|finding| finding.severity != Severity::Error) {
            refused_for_good(&store).await?;
        }
        Ok(store)
    }

    /// The record under a key after a refusal to write, if it is finished. A claim of a finished record writes
    /// nothing, but the server refuses its command, because the command could write.
    ///
    /// Any other record may be about to change, and a replica may be late. Then the error counts.
    async fn finished_instead(&self, key: &StorageKey, error: &RedisError) -> Option<Bytes> {
        if !refuses_writes(error) {
            return None;
        }
        let mut get = cmd("GET");
        get.arg(self.names.of(key));
        let there = self.connections.send(&get).await;
        let there = there.and_then(string).ok()??;
        (Summary::of(&there).state == "completed").then_some(there)
    }
}

impl Store for RedisStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(async move {
            let answer = {
                let name = self.names.of(key);
                let words = [b"SET", name.as_bytes(), value, b"NX", b"GET", b"PX"];
                let command = with_life(words, life);
                self.connections.send(&command).await
            };
            match answer.and_then(string) {
                // The rare case is boxed, because its future is large.
                Err(error) => match Box::pin(self.finished_instead(key, &error)).await {
                    Some(there) => Ok(Some(there)),
                    None => Err(failed("create", error)),
                },
                there => there.map_err(|error| failed("create", error)),
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
        StoreFuture::new(async move {
            let answer = {
                let name = self.names.of(key);
                let what = Exchange { name: &name, expected, value, life };
                self.exchanges.exchange(&self.connections, what).await
            };
            match answer {
                Err(error) => match Box::pin(self.finished_instead(key, &error)).await {
                    Some(there) if there != *expected => Ok(Swap::Differs(Some(there))),
                    _ => Err(failed("swap", error)),
                },
                swapped => swapped.map_err(|error| failed("swap", error)),
            }
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(async move {
            let read = read(&self.connections, &self.read, &self.names.of(key)).await;
            read.map_err(|error| failed("read", error))
        })
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        let watches = self.watches.as_ref().filter(|watches| watches.are_possible())?;
        Some(StoreFuture::new(async move {
            let changed = watches.watch(self.names.of(key)).await;
            let changed: Changed = Box::pin(changed.map_err(|error| failed("watch", error))?);
            Ok(changed)
        }))
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        Some(StoreFuture::new(async move {
            let place = ScanPlace::asked(request)?;
            let Self { connections, names, read, .. } = self;
            let page = Keyspace { connections, names, read }.page(request, place).await;
            page.map_err(|error| failed("browse", error))
        }))
    }

    fn purge(&self, _limit: u32) -> StoreFuture<'_, u32> {
        // The server drops records by itself.
        StoreFuture::ready(Ok(0))
    }

    fn describe(&self) -> String {
        self.connections.endpoint().describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.connections.adopt(settings.patience);
    }

    fn longest_silence(&self) -> Option<Duration> {
        Some(self.connections.endpoint().longest_silence())
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.describe()).finish()
    }
}
