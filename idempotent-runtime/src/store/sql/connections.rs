//! A few connections to a server, and how long one may take.
//!
//! The pool of sqlx asks the server after each use whether the connection still works, and waits
//! where the server refuses connections. Here an answer costs one round trip, and a server that is
//! gone is an error at once.

use crate::error::StoreError;
use crate::store::own_thread::OwnThread;
use crate::store::sql::failed;
use crate::store::sql::remote::{Rows, Step};
use crate::store::sql::survives;
use sqlx::ConnectOptions;
use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// How many connections a store has at most; it opens them as it needs them.
const MOST: usize = 8;

/// How long an operation may take, with waiting for a connection and opening it; below the engine's
/// patience of two seconds.
const ANSWER: Duration = Duration::from_millis(1500);

/// A connection that rested for longer is asked whether it still works, and has this long to answer:
/// meanwhile the server may have restarted, or a firewall forgotten it.
const RESTED: Duration = Duration::from_secs(1);
const PING: Duration = Duration::from_millis(300);

/// The connections of one store, on a thread of their own. Clones share all.
#[derive(Debug)]
pub(super) struct Connections<C: Rows> {
    own: OwnThread,
    shared: Arc<Shared<C>>,
}

struct Shared<C: Rows> {
    options: C::Options,
    places: Semaphore,
    idle: Mutex<Vec<Idle<C>>>,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C: Rows> Connections<C> {
    /// None so far, and a thread of this name for them.
    pub(super) fn new(thread: &'static str, options: C::Options) -> Result<Self, StoreError> {
        let (places, idle) = (Semaphore::new(MOST), Mutex::default());
        let shared = Arc::new(Shared { options, places, idle });
        Ok(Self { own: OwnThread::start(thread)?, shared })
    }

    /// Carries something out on a connection, in bounded time and to its end.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl for<'c> FnOnce(&'c mut C) -> Step<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let bounded = async move {
            let late = |_| IoError::new(ErrorKind::TimedOut, "the server did not answer in time");
            timeout(ANSWER, shared.carry_out(work)).await.map_err(late)?
        };
        self.own.run(operation, bounded).await?.map_err(|error| failed(operation, error))
    }

    /// Where the server is, and how it is spoken to.
    pub(super) fn options(&self) -> &C::Options {
        &self.shared.options
    }
}

impl<C: Rows> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self { own: self.own.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<C: Rows> Shared<C> {
    async fn carry_out<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut C) -> Step<'c, T>,
    ) -> Result<T, sqlx::Error> {
        let _place = self.places.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        // Closed if this future is dropped: the answer to an abandoned question is nobody's.
        let mut connection = self.take().await?;
        let done = work(&mut connection).await;
        match &done {
            // Those that rest are as broken, most likely.
            Err(error) if !survives(error) => self.idle().clear(),
            _ => self.idle().push(Idle { connection, since: Instant::now() }),
        }
        done
    }

    /// The connection used last that still works, or a new one.
    async fn take(&self) -> Result<C, sqlx::Error> {
        let rested = self.idle().pop();
        if let Some(Idle { mut connection, since }) = rested {
            if since.elapsed() < RESTED
                || timeout(PING, connection.ping()).await.is_ok_and(|pong| pong.is_ok())
            {
                return Ok(connection);
            }
            self.idle().clear();
        }
        let mut connection = self.options.connect().await?;
        connection.settle().await?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Rows> fmt::Debug for Shared<C> {
    /// Without the options, which hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, idle) = (self.places.available_permits(), self.idle().len());
        f.debug_struct("Shared").field("free", &free).field("idle", &idle).finish_non_exhaustive()
    }
}
