//! One connection for each async runtime that uses the store.
//!
//! Each worker of actix-web is a runtime of its own. If workers shared a connection, one of them would
//! drive it, and a handler that blocks that worker would stop the store for all. A connection is dropped
//! with its runtime; otherwise it would keep file descriptors.

use crate::store::redis::connection::RedisConnection;
use crate::store::redis::endpoint::Endpoint;
use crate::store::redis::errors::is_read_only;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Shared};
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation, Value};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

/// A connection that is being opened, or is open. All callers in its runtime share this future.
type Connecting = Shared<BoxFuture<'static, RedisResult<RedisConnection>>>;

/// The connections of one store.
pub(crate) struct RedisConnections {
    endpoint: Endpoint,
    open: Arc<OpenConnections>,
    /// The number of the next connection. A late report that a connection broke names its number, so that it does
    /// not hit a newer one.
    next_number: AtomicU64,
}

/// The connections, by the runtime that drives each.
#[derive(Default)]
struct OpenConnections(Mutex<ByRuntime>);

type ByRuntime = HashMap<Id, RuntimeConnection, foldhash::fast::RandomState>;

struct RuntimeConnection {
    number: u64,
    connecting: Connecting,
    /// Nothing is sent through it. Dropping it ends the task that waits for the end of the runtime.
    _kept: oneshot::Sender<Infallible>,
}

/// Forgets a connection when it is dropped, with the runtime that drives it.
struct UntilRuntimeEnds {
    open: Arc<OpenConnections>,
    number: u64,
}

/// A connection for one use, which can be reported as broken.
pub(crate) struct Connected<'a> {
    pub(crate) connection: RedisConnection,
    connections: &'a RedisConnections,
    number: u64,
}

impl RedisConnections {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, open: Arc::default(), next_number: AtomicU64::new(0) }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sets the deadlines to the patience of an engine, if that is longer.
    pub(super) fn adopt(&self, patience: Duration) {
        if self.endpoint.adopt(patience) {
            // A connection gets its deadlines when it is opened, so open ones are dropped.
            let open = std::mem::take(&mut *self.open.lock());
            drop(open);
        }
    }

    /// The connection of the current runtime. After a failure the next caller opens a new one.
    pub(crate) async fn get(&self) -> RedisResult<Connected<'_>> {
        let (number, current) = self.current();
        let opened = match current {
            Either::Left(connection) => Ok(connection),
            Either::Right(connecting) => connecting.await,
        };
        match opened {
            Ok(connection) => Ok(Connected { connection, connections: self, number }),
            Err(error) => {
                self.open.forget(number);
                Err(error)
            }
        }
    }

    /// Sends a command.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let mut connected = self.get().await?;
        let answer = connected.connection.send(command).await;
        // The server's refusal is a value of the reply.
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

    /// The number of the current runtime's connection, and the connection, or the future that opens it.
    fn current(&self) -> (u64, Either<RedisConnection, Connecting>) {
        let runtime = Handle::current();
        let connect = || {
            let number = self.next_number.fetch_add(1, Ordering::Relaxed);
            let (kept, forgotten) = oneshot::channel();
            let until_it_ends = UntilRuntimeEnds { open: Arc::clone(&self.open), number };
            runtime.spawn(async move {
                let Err(_forgotten) = forgotten.await;
                drop(until_it_ends);
            });
            let connecting = self.endpoint.connect().shared();
            RuntimeConnection { number, connecting, _kept: kept }
        };
        let mut open = self.open.lock();
        let current = open.entry(runtime.id()).or_insert_with(connect);
        let opened = match current.connecting.peek() {
            Some(Ok(connection)) => Either::Left(connection.clone()),
            Some(Err(_)) | None => Either::Right(current.connecting.clone()),
        };
        (current.number, opened)
    }
}

impl OpenConnections {
    fn forget(&self, number: u64) {
        let forgotten: Vec<_> = self.lock().extract_if(|_, open| open.number == number).collect();
        // The old value is dropped after the lock of the map: its drop runs code of other crates.
        drop(forgotten);
    }

    fn lock(&self) -> MutexGuard<'_, ByRuntime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UntilRuntimeEnds {
    fn drop(&mut self) {
        self.open.forget(self.number);
    }
}

impl Connected<'_> {
    /// Passes an answer on, and forgets the connection if it broke, timed out, or leads to a replica.
    /// (Nothing else shows that a host is gone: TCP tries for many minutes.)
    pub(crate) fn check<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        answer.inspect_err(|error| {
            if error.is_unrecoverable_error() || error.is_timeout() || is_read_only(error) {
                self.connections.open.forget(self.number);
            }
        })
    }
}
