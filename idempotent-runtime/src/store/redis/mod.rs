//! Records in Redis or Valkey: one key each, so that a cluster can spread them.

mod connections;
mod doctor;
mod link;
mod target;
mod watches;

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::contract::{Changed, Entry, Store, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::store::life::life_millis;
use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, Value, cmd, pipe};
use bytes::Bytes;
use connections::is_read_only;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use watches::Watches;

pub(crate) use connections::Connections;
pub(crate) use link::Link;
pub(crate) use target::Target;

/// Keeps records in Redis 7.0 or later, or Valkey 8 or later.
///
/// A new request costs two commands (`SET … NX GET PX`, then an exchange), a replay one. The
/// exchange is the native `SET … IFEQ` where the server knows it (Redis 8.4, Valkey 8.1), a script
/// elsewhere. Time is the server's.
///
/// The server must be a master with `maxmemory-policy noeviction`: any other policy drops leases
/// under pressure.
pub struct RedisStore {
    connections: Connections,
    /// Where somebody tells of changes.
    watches: Option<Watches>,
    prefix: String,
    swap: Script,
    read: Script,
    /// Whether `SET … IFEQ` is worth trying; the server's first complaint settles it.
    native_swap: AtomicBool,
    findings: Vec<Finding>,
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/database]` or `redis+unix:///path`.
    ///
    /// With the feature `redis-cluster` also to `redis+cluster://[user:password@]host:port,host:port`,
    /// some nodes of a cluster, whose masters keep the records between them; with `redis-sentinel` to
    /// `redis+sentinel://[user:password@]host:port,host:port/master[/database]`, the master of this
    /// name, wherever the sentinels at these hosts say that it is by then.
    ///
    /// # Errors
    /// When the URL is none, the server cannot be reached, or refuses the credentials.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let target = Target::of(url).map_err(|error| failed("connect", error))?;
        let watches = Watches::of(&target).map_err(|error| failed("connect", error))?;
        let connections = Connections::new(target);
        let examined = async {
            let mut connected = connections.get().await?;
            doctor::ask(&mut connected.connection).await
        };
        let findings = examined.await.map_err(|error| failed("connect", error))?;
        Ok(Self {
            connections,
            watches,
            prefix: "idempotency:".to_owned(),
            swap: Script::new(include_str!("swap.lua")),
            read: Script::new(include_str!("read.lua")),
            native_swap: AtomicBool::new(true),
            findings,
        })
    }

    /// What the names of all keys begin with. Defaults to `idempotency:`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &StorageKey) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connected = self.connections.get().await?;
        let answer = connected.connection.req_packed_command(command).await;
        // A server's refusal comes as a value.
        connected.check(answer.and_then(Value::extract_error))
    }

    async fn swap_natively(
        &self,
        key: &StorageKey,
        expected: &Bytes,
        value: &Bytes,
        life: Duration,
    ) -> RedisResult<Swap> {
        let mut command = cmd("SET");
        command.arg(self.name(key)).arg(&value[..]).arg("IFEQ").arg(&expected[..]);
        command.arg("GET").arg("PX").arg(life_millis(life));
        // It answers what was there before, whether or not that was the expected value.
        let before = bytes(self.send(&command).await?)?;
        Ok(if before.as_ref() == Some(expected) { Swap::Done } else { Swap::Differs(before) })
    }

    async fn swap_by_script(
        &self,
        key: &StorageKey,
        expected: &Bytes,
        value: &Bytes,
        life: Duration,
    ) -> RedisResult<Swap> {
        let mut call = self.swap.key(self.name(key));
        call.arg(&expected[..]).arg(&value[..]).arg(life_millis(life));
        let mut connected = self.connections.get().await?;
        let answer = call.invoke_async(&mut connected.connection).await;
        Ok(match connected.check(answer)? {
            Value::Int(_) => Swap::Done,
            other => Swap::Differs(bytes(other)?),
        })
    }

    /// What is there and its life, in one step: what is left must be of the value that is read.
    async fn look(&self, key: &StorageKey) -> RedisResult<(Option<Vec<u8>>, i64)> {
        let name = self.name(key);
        let mut connected = self.connections.get().await?;
        let link = &mut connected.connection;
        let answer = if link.is_alone() {
            let mut both = pipe();
            both.atomic().cmd("GET").arg(&name).cmd("PTTL").arg(&name);
            both.query_async(link).await
        } else {
            // A cluster breaks a transaction off whose slot is on its way elsewhere.
            self.read.key(name).invoke_async(link).await
        };
        connected.check(answer)
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
            let mut command = cmd("SET");
            command.arg(self.name(key)).arg(&value[..]);
            command.arg("NX").arg("GET").arg("PX").arg(life_millis(life));
            let there = self.send(&command).await.and_then(bytes);
            there.map_err(|error| failed("create", error))
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
            if self.native_swap.load(Ordering::Relaxed) {
                match self.swap_natively(key, expected, value, life).await {
                    Err(error) if is_unknown_syntax(&error) => {
                        self.native_swap.store(false, Ordering::Relaxed);
                    }
                    answer => return answer.map_err(|error| failed("swap", error)),
                }
            }
            let swapped = self.swap_by_script(key, expected, value, life).await;
            swapped.map_err(|error| failed("swap", error))
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(async move {
            let (value, left) = self.look(key).await.map_err(|error| failed("read", error))?;
            Ok(value.map(|value| Entry {
                value: value.into(),
                // A key without an end is none of ours; it counts as at its end.
                left: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
            }))
        })
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        let watches = self.watches.as_ref().filter(|watches| watches.are_possible())?;
        Some(StoreFuture::new(async move {
            let told = watches.watch(self.name(key)).await;
            told.map(|changed| -> Changed { Box::pin(changed) })
                .map_err(|error| failed("watch", error))
        }))
    }

    fn purge(&self, _limit: u32) -> StoreFuture<'_, u32> {
        // The server forgets by itself.
        StoreFuture::ready(Ok(0))
    }

    fn describe(&self) -> String {
        self.connections.target().describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.describe()).finish()
    }
}

/// A string or nothing, as the server answers `GET`.
fn bytes(value: Value) -> RedisResult<Option<Bytes>> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::Nil => Ok(None),
        // Redis answers `OK` where `GET` is ignored; none of our commands allows that.
        _ => Err((ErrorKind::UnexpectedReturnType, "neither a string nor nothing").into()),
    }
}

fn is_unknown_syntax(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("syntax"))
}

/// Sorts the client library's errors into ours.
fn failed(operation: &'static str, error: RedisError) -> StoreError {
    let kind = match (error.kind(), error.code()) {
        _ if error.is_timeout() => StoreErrorKind::Timeout,
        (_, Some("WRONGTYPE")) | (ErrorKind::UnexpectedReturnType, _) => StoreErrorKind::Corrupt,
        _ if is_read_only(&error) => StoreErrorKind::Unavailable,
        // An answer that was cut does not parse; it says nothing about the record.
        (ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound, _)
        | (_, Some("LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "NOREPLICAS")) => {
            StoreErrorKind::Unavailable
        }
        _ => StoreErrorKind::Rejected,
    };
    StoreError::new(kind, operation).because(error)
}
