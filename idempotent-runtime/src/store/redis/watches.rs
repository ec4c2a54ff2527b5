//! Watching keys by `CLIENT TRACKING`, the messages that a server sends to clients which cache values.
//!
//! A watcher reads its key on a connection that exists only for this, and the server tells that connection
//! when the key changes. It costs writers nothing, and nothing in a process in which no request waits.

use crate::store::redis::connections::RedisConnections;
use crate::store::redis::endpoint::Endpoint;
use ::redis::{ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Watches keys for requests that wait.
pub(super) struct Watches {
    connections: RedisConnections,
    registry: Arc<WatcherRegistry>,
    /// Whether the server refused to track keys; it is not asked again.
    refused: AtomicBool,
}

/// All watchers, found by the keys that the server names.
#[derive(Default)]
struct WatcherRegistry {
    watchers: Mutex<HashMap<String, KeyWatchers>>,
    next_number: AtomicU64,
}

/// The watchers of one key, each with a number of its own. Dropping its sender tells a watcher of a change.
type KeyWatchers = HashMap<u64, oneshot::Sender<Infallible>>;

/// A watcher of one key. It is in the registry for as long as it lives.
struct Watcher {
    registry: Arc<WatcherRegistry>,
    name: String,
    number: u64,
    told: oneshot::Receiver<Infallible>,
}

impl Watches {
    /// Watches keys on this endpoint; `None` for a cluster: each master knows only its own keys, and slots move.
    pub(super) fn of(endpoint: &Endpoint) -> RedisResult<Option<Self>> {
        let registry = Arc::<WatcherRegistry>::default();
        let pushes = {
            let registry = Arc::clone(&registry);
            move |push| {
                registry.receive(push);
                Ok::<_, Infallible>(())
            }
        };
        let mut track = cmd("CLIENT");
        track.arg("TRACKING").arg("ON");
        let endpoint = endpoint.with_pushes(pushes, track)?;
        Ok(endpoint.map(|endpoint| {
            let connections = RedisConnections::new(endpoint);
            Self { connections, registry, refused: AtomicBool::new(false) }
        }))
    }

    /// Whether the server has not refused yet.
    pub(super) fn are_possible(&self) -> bool {
        !self.refused.load(Ordering::Relaxed)
    }

    /// Begins to watch a key. When this returns, the key is watched; the future in it ends when the key changes.
    pub(super) async fn watch(
        &self,
        name: String,
    ) -> RedisResult<impl Future<Output = ()> + Send + use<>> {
        // The watcher is registered before the key is tracked: the server may report a change before it answers.
        let watcher = self.registry.register(name);
        self.track(&watcher.name).await.inspect_err(|error| {
            if is_refusal(error) && !self.refused.swap(true, Ordering::Relaxed) {
                tracing::info!(%error, "the server does not tell of changed keys, so waiting requests poll it");
            }
        })?;
        Ok(async move {
            let mut watcher = watcher;
            let Err(_told) = (&mut watcher.told).await;
        })
    }

    /// Reads the key. By that the server remembers to tell this connection of a change.
    async fn track(&self, name: &str) -> RedisResult<()> {
        let mut connected = self.connections.get().await?;
        let answer = cmd("EXISTS").arg(name).exec_async(&mut connected.connection).await;
        connected.check(answer)
    }
}

impl WatcherRegistry {
    fn register(self: &Arc<Self>, name: String) -> Watcher {
        let (tell, told) = oneshot::channel();
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(name.clone()).or_default().insert(number, tell);
        Watcher { registry: Arc::clone(self), name, number, told }
    }

    fn receive(&self, push: PushInfo) {
        match (push.kind, push.data.into_iter().next()) {
            (PushKind::Invalidate, Some(Value::Array(names))) => {
                for name in names {
                    if let Value::BulkString(name) = name {
                        self.tell(&String::from_utf8_lossy(&name));
                    }
                }
            }
            // The server dropped all keys, or the connection ended: no change will be reported any more.
            (PushKind::Invalidate | PushKind::Disconnection, _) => self.tell_all(),
            _ => {}
        }
    }

    /// Tells the watchers of a key, by closing their channels.
    fn tell(&self, name: &str) {
        drop(self.lock().remove(name));
    }

    fn tell_all(&self) {
        drop(std::mem::take(&mut *self.lock()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, KeyWatchers>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut all = self.registry.lock();
        if let Some(watchers) = all.get_mut(&self.name) {
            watchers.remove(&self.number);
            if watchers.is_empty() {
                all.remove(&self.name);
            }
        }
    }
}

/// Whether the server will refuse the next time, too: the user may not track keys, or a proxy does not
/// know the command.
fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::RESP3NotSupported
        || matches!(error.code(), Some("ERR" | "NOPERM" | "NOPROTO"))
}
