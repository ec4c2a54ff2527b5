//! A few connections to a database server, and a deadline for every operation.
//!
//! The pool of sqlx asks the server after each use whether the connection still works, and waits
//! where the server refuses connections. Here an answer costs one round trip, and a server that is
//! gone is an error at once.

use crate::error::StoreError;
use crate::store::own_thread::{OwnThread, not_started};
use crate::store::patience::MorePatience;
use crate::store::sql::contract::{Rows, SqlFuture, WatchKeys};
use crate::store::sql::errors::{failed, is_reusable_after};
use crate::store::sql::login::Login;
use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// How many connections a store has at most, where nobody says otherwise; it opens them as it needs them.
const CONNECTIONS: usize = 8;

/// How long an operation may take, with waiting for a connection and opening it; below the engine's
/// usual patience of two seconds.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(1500);

/// A connection that was idle for longer is asked whether it still works, and has this long to
/// answer: meanwhile the server may have restarted, or a firewall forgotten it.
const PING_AFTER: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_millis(300);

/// The connections of one store, on a thread of their own. Clones share all.
#[derive(Debug)]
pub(super) struct SqlConnections<C: Rows> {
    thread: OwnThread,
    pool: Arc<ConnectionPool<C>>,
}

struct ConnectionPool<C: Rows> {
    login: Login<C::Options>,
    permits: Semaphore,
    idle: Mutex<Vec<IdleConnection<C>>>,
    more: MorePatience,
}

struct IdleConnection<C> {
    connection: C,
    since: Instant,
}

impl<C: Rows> SqlConnections<C> {
    /// No connection yet, and a thread of this name for them.
    pub(super) fn new(thread: &'static str, login: Login<C::Options>) -> Result<Self, StoreError> {
        let (permits, idle) = (Semaphore::new(CONNECTIONS), Mutex::default());
        let pool = Arc::new(ConnectionPool { login, permits, idle, more: MorePatience::default() });
        Ok(Self { thread: OwnThread::start(thread).map_err(not_started)?, pool })
    }

    /// Has this many connections at most, from now on; they are not in use yet.
    pub(super) fn resize(&self, connections: usize) {
        let (now, wanted) = (self.pool.permits.available_permits(), connections.max(1));
        self.pool.permits.forget_permits(now.saturating_sub(wanted));
        self.pool.permits.add_permits(wanted.saturating_sub(now));
    }

    /// Allows operations as long as an engine does.
    pub(super) fn adopt(&self, patience: Duration) {
        if self.pool.more.adopt(patience) {
            // Connections have their limits from when they were opened.
            self.pool.idle().clear();
        }
    }

    /// Runs an operation on a connection, within its deadline, and to its end also where the caller
    /// is gone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl for<'c> FnOnce(&'c mut C) -> SqlFuture<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let pool = Arc::clone(&self.pool);
        let bounded = async move {
            let late = |_| IoError::new(ErrorKind::TimedOut, "the server did not answer in time");
            timeout(OPERATION_TIMEOUT + pool.more.more(), pool.run(work)).await.map_err(late)?
        };
        self.thread.run(operation, bounded).await?.map_err(|error| failed(operation, error))
    }

    /// Opens the first connection, unless the database finds it unfit.
    pub(super) async fn open_first(&self) -> Result<(), StoreError> {
        let pool = Arc::clone(&self.pool);
        let bounded = async move {
            let late = |_| IoError::new(ErrorKind::TimedOut, "the server did not answer in time");
            timeout(OPERATION_TIMEOUT, pool.open_first()).await.map_err(late)?
        };
        self.thread.run("connect", bounded).await?.map_err(|error| failed("connect", error))
    }

    /// Watches keys, if the server tells of changes.
    pub(super) fn watches(&self) -> Option<Arc<dyn WatchKeys>> {
        C::watches(&self.thread, &self.pool.login)
    }

    /// The address of the server, and the settings of its connections.
    pub(super) fn options(&self) -> &C::Options {
        self.pool.login.options()
    }
}

impl<C: Rows> Clone for SqlConnections<C> {
    fn clone(&self) -> Self {
        Self { thread: self.thread.clone(), pool: Arc::clone(&self.pool) }
    }
}

impl<C: Rows> ConnectionPool<C> {
    async fn run<T>(
        &self,
        work: impl for<'c> FnOnce(&'c mut C) -> SqlFuture<'c, T>,
    ) -> Result<T, sqlx::Error> {
        let _permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        // Closed if this future is dropped: nobody may read the answer to an abandoned question.
        let mut connection = self.connection().await?;
        let done = work(&mut connection).await;
        match &done {
            // The idle ones are as broken, most likely.
            Err(error) if !is_reusable_after(error) => self.idle().clear(),
            _ => self.idle().push(IdleConnection { connection, since: Instant::now() }),
        }
        done
    }

    /// The connection used last that still works, or a new one.
    async fn connection(&self) -> Result<C, sqlx::Error> {
        let idle = self.idle().pop();
        if let Some(IdleConnection { mut connection, since }) = idle {
            if since.elapsed() < PING_AFTER
                || timeout(PING_TIMEOUT, connection.ping()).await.is_ok_and(|pong| pong.is_ok())
            {
                return Ok(connection);
            }
            self.idle().clear();
        }
        self.set_up(self.login.open().await?).await
    }

    async fn open_first(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.login.open().await?;
        connection.judge(&self.login).await?;
        let connection = self.set_up(connection).await?;
        self.idle().push(IdleConnection { connection, since: Instant::now() });
        Ok(())
    }

    async fn set_up(&self, mut connection: C) -> Result<C, sqlx::Error> {
        connection.configure(self.login.options(), self.more.more()).await?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Rows> fmt::Debug for ConnectionPool<C> {
    /// Without the options, which hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, idle) = (self.permits.available_permits(), self.idle().len());
        f.debug_struct("ConnectionPool")
            .field("free", &free)
            .field("idle", &idle)
            .finish_non_exhaustive()
    }
}
