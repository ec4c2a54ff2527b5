//! One connection for each async runtime that uses the store.
//!
//! A worker of actix-web is a runtime of its own. A connection shared between workers would be
//! driven by one of them, and a handler that blocks that worker would stop the store for all.

use crate::store::redis::connection::RedisConnection;
use crate::store::redis::endpoint::Endpoint;
use crate::store::redis::errors::is_read_only;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::ConnectionLike;
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::{Handle, Id};

/// A connection that is being opened, or is open; all callers in its runtime wait for it together.
type Connecting = Shared<BoxFuture<'static, RedisResult<RedisConnection>>>;

/// The connections of one store.
pub(crate) struct RedisConnections {
    endpoint: Endpoint,
    open: Mutex<HashMap<Id, RuntimeConnection>>,
    /// The number of the next connection: a late report that one broke must not hit a newer one.
    next_number: AtomicU64,
}

#[derive(Clone)]
struct RuntimeConnection {
    number: u64,
    connecting: Connecting,
}

/// A connection for one use, which can be reported as broken.
pub(crate) struct Connected<'a> {
    pub(crate) connection: RedisConnection,
    connections: &'a RedisConnections,
    number: u64,
}

impl RedisConnections {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, open: Mutex::default(), next_number: AtomicU64::new(0) }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The connection of the current runtime. After a failure the next caller opens a new one.
    pub(crate) async fn get(&self) -> RedisResult<Connected<'_>> {
        let current = self.current();
        match current.connecting.await {
            Ok(connection) => {
                Ok(Connected { connection, connections: self, number: current.number })
            }
            Err(error) => {
                self.forget(current.number);
                Err(error)
            }
        }
    }

    /// Sends a command.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connected = self.get().await?;
        let answer = connected.connection.req_packed_command(command).await;
        // A refusal of the server comes as a value.
        connected.check(answer.and_then(Value::extract_error))
    }

    /// Calls a script.
    pub(crate) async fn invoke<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> RedisResult<T> {
        let mut connected = self.get().await?;
        let answer = call.invoke_async(&mut connected.connection).await;
        connected.check(answer)
    }

    fn current(&self) -> RuntimeConnection {
        let connect = || RuntimeConnection {
            number: self.next_number.fetch_add(1, Ordering::Relaxed),
            connecting: self.endpoint.connect().shared(),
        };
        self.lock().entry(Handle::current().id()).or_insert_with(connect).clone()
    }

    fn forget(&self, number: u64) {
        self.lock().retain(|_, open| open.number != number);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, RuntimeConnection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<'_> {
    /// Passes an answer on, and forgets the connection if it broke, fell silent, or leads to a replica.
    /// (Nothing else tells of a host that is gone: TCP tries for many minutes.)
    pub(crate) fn check<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        answer.inspect_err(|error| {
            if error.is_unrecoverable_error() || error.is_timeout() || is_read_only(error) {
                self.connections.forget(self.number);
            }
        })
    }
}
