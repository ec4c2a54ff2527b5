//! One connection for every async runtime that uses the store.
//!
//! A worker of actix-web is a runtime of its own. A connection shared between workers would be
//! driven by one of them, and a handler that blocks that worker would stop the store for all.

use crate::store::redis::link::Link;
use crate::store::redis::target::Target;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::{RedisError, RedisResult};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::runtime::{Handle, Id};

/// A connection, or the attempt to make it that everybody in this runtime waits for.
type Attempt = Shared<BoxFuture<'static, RedisResult<Link>>>;

/// The connections of one store.
pub(crate) struct Connections {
    target: Target,
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
pub(crate) struct Connected<'a> {
    pub(crate) connection: Link,
    connections: &'a Connections,
    number: u64,
}

impl Connections {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, open: Mutex::default(), made: AtomicU64::new(0) }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The connection of the current runtime; after a failure the next caller tries anew.
    pub(crate) async fn get(&self) -> RedisResult<Connected<'_>> {
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
        let connect = || Line {
            number: self.made.fetch_add(1, Ordering::Relaxed),
            attempt: self.target.connect().shared(),
        };
        self.lock().entry(Handle::current().id()).or_insert_with(connect).clone()
    }

    fn forget(&self, number: u64) {
        self.lock().retain(|_, line| line.number != number);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Line>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected<'_> {
    /// Looks at an answer: a connection that broke, fell silent, or whose server became a replica, is
    /// not used again. (Nothing else would tell of a host that is gone: TCP tries for many minutes.)
    pub(crate) fn check<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        answer.inspect_err(|error| {
            if error.is_unrecoverable_error() || error.is_timeout() || is_read_only(error) {
                self.connections.forget(self.number);
            }
        })
    }
}

pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}
