//! Watching keys, by notifications (`LISTEN`, `NOTIFY`) on a connection for that purpose alone.
//!
//! A notification takes a lock of the whole server, so nobody is notified in vain: who waits holds an advisory lock
//! of the key, shared, and a writer that cannot have it alone notifies. It never waits for it.

use crate::clock::jittered;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::contract::Changed;
use crate::store::future::StoreFuture;
use crate::store::own_thread::OwnThread;
use crate::store::sql::contract::WatchKeys;
use crate::store::sql::errors::failed;
use crate::store::sql::literal::from_hex;
use crate::store::sql::login::Login;
use crate::store::sql::postgres::rows::{CHANNEL, lock_number};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval_at, timeout};

/// How many keys one process watches at once: each is a lock, and a server has room for about as many for each
/// connection that it allows. Those who wait for others look.
const KEYS: usize = 64;

/// How long a key stays watched, and the connection open, after the last one who waits.
const LINGER: Duration = Duration::from_secs(1);

/// How long opening the connection may take, and a statement on it.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long it is not opened again where it could not be, jittered: an outage meets all processes at one moment.
const REST: Duration = Duration::from_secs(10);

const LOCK: &str = "SELECT pg_advisory_lock_shared($1)";
const UNLOCK: &str = "SELECT pg_advisory_unlock_shared($1)";

/// Watches keys for waiters.
pub(super) struct PostgresWatches {
    thread: OwnThread,
    login: Login<PgConnectOptions>,
    listening: Arc<Mutex<Listening>>,
}

/// The connection, as far as those know of it who ask.
#[derive(Default)]
struct Listening {
    /// Leads to it while it is open, or about to be.
    asks: Option<mpsc::UnboundedSender<Ask>>,
    /// It is not opened before.
    rests_until: Option<Instant>,
}

/// The wish to watch a key.
struct Ask {
    key: StorageKey,
    /// A watcher is told by dropping it.
    tell: oneshot::Sender<Infallible>,
    is_watched: oneshot::Sender<()>,
}

/// A connection that listens, and the keys whose locks it holds.
struct Listener {
    connection: PgListener,
    pool: PgPool,
    keys: HashMap<StorageKey, KeyWaiters>,
}

#[derive(Default)]
struct KeyWaiters {
    tell: Vec<oneshot::Sender<Infallible>>,
    /// Nobody was there the last time.
    is_idle: bool,
}

impl PostgresWatches {
    pub(super) fn new(thread: &OwnThread, login: &Login<PgConnectOptions>) -> Self {
        Self { thread: thread.clone(), login: login.clone(), listening: Arc::default() }
    }

    /// Hands a wish to the connection, which is opened where there is none.
    fn ask(&self, ask: Ask) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = match &listening.asks {
            Some(asks) => match asks.send(ask) {
                Ok(()) => return,
                Err(closed) => closed.0,
            },
            None => ask,
        };
        if listening.rests_until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        let (asks, asked) = mpsc::unbounded_channel();
        drop(asks.send(ask));
        listening.asks = Some(asks);
        let (login, state) = (self.login.clone(), Arc::clone(&self.listening));
        self.thread.spawn(async move {
            if let Err(error) = listen(&login, asked).await {
                tracing::info!(%error, "the server does not tell of changes now; waiting requests look for themselves");
                state.lock().unwrap_or_else(PoisonError::into_inner).rest();
            }
        });
    }
}

impl Listening {
    fn rest(&mut self) {
        self.rests_until = Some(Instant::now() + jittered(REST));
    }
}

impl fmt::Debug for PostgresWatches {
    /// Without the login, which holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresWatches").finish_non_exhaustive()
    }
}

impl WatchKeys for PostgresWatches {
    fn watch(&self, key: &StorageKey) -> StoreFuture<'_, Changed> {
        let (tell, told) = oneshot::channel();
        let (is_watched, watched) = oneshot::channel();
        self.ask(Ask { key: *key, tell, is_watched });
        StoreFuture::new(async move {
            let unwatched = |_| StoreError::new(StoreErrorKind::Unavailable, "watch");
            watched.await.map_err(unwatched)?;
            let changed = async move {
                let Err(_told) = told.await;
            };
            Ok(Box::pin(changed) as Changed)
        })
    }
}

/// Watches what is asked for, until nobody waits. Whoever still does then is told.
async fn listen(
    login: &Login<PgConnectOptions>,
    mut asked: mpsc::UnboundedReceiver<Ask>,
) -> Result<(), StoreError> {
    let mut listener = in_time(Listener::open(login)).await?;
    let ended = listener.serve(&mut asked).await;
    // From here on who asks opens another one.
    asked.close();
    let Listener { connection, pool, .. } = listener;
    drop(connection);
    drop(timeout(PATIENCE, pool.close()).await);
    ended
}

impl Listener {
    async fn open(login: &Login<PgConnectOptions>) -> Result<Self, sqlx::Error> {
        // The client library listens on connections of a pool alone.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(login.options_of_now().await?);
        let mut connection = PgListener::connect_with(&pool).await?;
        // Another connection would not hold the locks.
        connection.eager_reconnect(false);
        connection.ignore_pool_close_event(true);
        connection.listen(CHANNEL).await?;
        Ok(Self { connection, pool, keys: HashMap::new() })
    }

    async fn serve(&mut self, asked: &mut mpsc::UnboundedReceiver<Ask>) -> Result<(), StoreError> {
        let mut lingers = interval_at(Instant::now() + LINGER, LINGER);
        loop {
            let notified = tokio::select! {
                ask = asked.recv() => match ask {
                    Some(ask) => { in_time(self.watch(ask)).await?; continue; }
                    None => return Ok(()),
                },
                notified = self.connection.try_recv() => notified,
                _ = lingers.tick() => {
                    in_time(self.forget_idle()).await?;
                    if self.keys.is_empty() && asked.is_empty() {
                        return Ok(());
                    }
                    continue;
                }
            };
            match notified.map_err(|error| failed("watch", error))? {
                Some(notified) => self.tell(notified.payload()),
                None => return Ok(()),
            }
        }
    }

    /// Watches a key, unless there are too many.
    async fn watch(&mut self, ask: Ask) -> Result<(), sqlx::Error> {
        if !self.keys.contains_key(&ask.key) {
            if self.keys.len() >= KEYS {
                return Ok(());
            }
            let lock = sqlx::query(LOCK).bind(lock_number(&ask.key));
            lock.execute(&mut self.connection).await?;
        }
        let waiters = self.keys.entry(ask.key).or_default();
        waiters.is_idle = false;
        waiters.tell.push(ask.tell);
        let _ = ask.is_watched.send(());
        Ok(())
    }

    /// Tells the watchers of a key: each sees that the other end of its channel is gone.
    fn tell(&mut self, key: &str) {
        let key = from_hex(key).and_then(|key| key.try_into().ok()).map(StorageKey::from_bytes);
        if let Some(watchers) = key.and_then(|key| self.keys.get_mut(&key)) {
            watchers.tell.clear();
        }
    }

    /// Gives the locks of keys back for which nobody waits.
    async fn forget_idle(&mut self) -> Result<(), sqlx::Error> {
        let mut over = Vec::new();
        for (key, watchers) in &mut self.keys {
            watchers.tell.retain(|tell| !tell.is_closed());
            let was_idle = std::mem::replace(&mut watchers.is_idle, watchers.tell.is_empty());
            if was_idle && watchers.is_idle {
                over.push(*key);
            }
        }
        for key in over {
            let unlock = sqlx::query(UNLOCK).bind(lock_number(&key));
            unlock.execute(&mut self.connection).await?;
            self.keys.remove(&key);
        }
        Ok(())
    }
}

async fn in_time<T>(step: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    let late = |_| IoError::new(ErrorKind::TimedOut, "the server did not answer in time").into();
    let done = timeout(PATIENCE, step).await.map_err(late).flatten();
    done.map_err(|error: sqlx::Error| failed("watch", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[tokio::test(start_paused = true)]
    async fn processes_that_lost_one_server_do_not_come_back_in_step() {
        let processes = [(); 16].map(|()| {
            let mut listening = Listening::default();
            listening.rest();
            listening.rests_until
        });
        assert!(HashSet::from(processes).len() > 1, "{processes:?}");
    }
}
