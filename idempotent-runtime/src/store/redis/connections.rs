//! One connection for every async runtime that uses the store.
//!
//! A worker of actix-web is a runtime of its own. A connection shared between workers would be
//! driven by one of them, and a handler that blocks that worker would stop the store for all.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, ProtocolVersion, RedisError, RedisResult};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, Id};

/// One try to connect and one answer may take this long: a claim is sent up to three times within
/// the engine's patience of two seconds. (The client's own defaults are one second and half a
/// second.)
const CONNECT: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_millis(500);

/// A connection, or the attempt to make it that everybody in this runtime waits for.
type Attempt = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// The connections of one store.
pub(super) struct Connections {
    client: Client,
    config: AsyncConnectionConfig,
    /// What every new connection is sent first.
    first: Option<Cmd>,
    open: Mutex<HashMap<Id, Line>>,
    /// Numbers every attempt, so that a late report of a broken connection hits no newer one.
    made: AtomicU64,
}

#[derive(Clone)]
struct Line {
    number: u64,
    attempt: Attempt,
}

/// A connection to use once, which can be reported as broken.
pub(super) struct Connected<'a> {
    pub(super) connection: MultiplexedConnection,
    connections: &'a Connections,
    number: u64,
}

impl Connections {
    pub(super) fn new(client: Client) -> Self {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        Self { client, config, first: None, open: Mutex::default(), made: AtomicU64::new(0) }
    }

    /// Connections that are told of what they did not ask for, which needs RESP3.
    pub(super) fn told(
        client: &Client,
        told: impl AsyncPushSender,
        first: Cmd,
    ) -> RedisResult<Self> {
        let info = client.get_connection_info();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let new = Self::new(Client::open(info.clone().set_redis_settings(settings))?);
        Ok(Self { config: new.config.set_push_sender(told), first: Some(first), ..new })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The connection of the current runtime; after a failure the next caller tries anew.
    pub(super) async fn get(&self) -> RedisResult<Connected<'_>> {
        let line = self.line();
        match line.attempt.await {
            Ok(connection) => Ok(Connected { connection, connections: self, number: line.number }),
            Err(error) => {
                self.forget(line.number);
                Err(error)
            }
        }
    }

    fn line(&self) -> Line {
        let connect =
            || Line { number: self.made.fetch_add(1, Ordering::Relaxed), attempt: self.connect() };
        self.lock().entry(Handle::current().id()).or_insert_with(connect).clone()
    }

    fn connect(&self) -> Attempt {
        let (client, config) = (self.client.clone(), self.config.clone());
        let first = self.first.clone();
        let connect = async move {
            let mut new = client.get_multiplexed_async_connection_with_config(&config).await?;
            if let Some(first) = first {
                first.exec_async(&mut new).await?;
            }
            Ok(new)
        };
        connect.boxed().shared()
    }

    fn forget(&self, number: u64) {
        self.lock().retain(|_, line| line.number != number);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Line>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<'_> {
    /// Looks at an answer: a connection that broke, or whose server became a replica, is not used
    /// again.
    pub(super) fn check<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        answer.inspect_err(|error| {
            if error.is_unrecoverable_error() || is_read_only(error) {
                self.connections.forget(self.number);
            }
        })
    }
}

pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}
