//! Being told of changes, by what a server offers to clients that cache (`CLIENT TRACKING`).
//!
//! Whoever waits reads the key on a connection of its own kind, and the server tells that connection
//! when the key changes. It costs those who change it nothing, and those who never wait neither.

use super::connections::Connections;
use super::target::Target;
use ::redis::{ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who waits for which key to change.
pub(super) struct Watches {
    connections: Connections,
    desk: Arc<Desk>,
    /// The server's first refusal settles it.
    refused: AtomicBool,
}

/// Where changes are told and those who wait are found.
#[derive(Default)]
struct Desk {
    waiting: Mutex<HashMap<String, Waiting>>,
    numbers: AtomicU64,
}

/// Those who wait for one key, each with a number of its own.
type Waiting = HashMap<u64, oneshot::Sender<Infallible>>;

/// One who waits; gone from the desk when this is.
struct Place {
    desk: Arc<Desk>,
    name: String,
    number: u64,
    told: oneshot::Receiver<Infallible>,
}

impl Watches {
    /// Nothing, where nobody tells: the masters of a cluster each know their own keys, and slots move.
    pub(super) fn of(target: &Target) -> RedisResult<Option<Self>> {
        let desk = Arc::<Desk>::default();
        let told = {
            let desk = Arc::clone(&desk);
            move |push| {
                desk.hear(push);
                Ok::<_, Infallible>(())
            }
        };
        let mut track = cmd("CLIENT");
        track.arg("TRACKING").arg("ON");
        let target = target.told(told, track)?;
        Ok(target.map(|target| {
            let connections = Connections::new(target);
            Self { connections, desk, refused: AtomicBool::new(false) }
        }))
    }

    /// Whether it is worth asking.
    pub(super) fn are_possible(&self) -> bool {
        !self.refused.load(Ordering::Relaxed)
    }

    /// From when this answers, the future in it is done as soon as the key changed.
    pub(super) async fn watch(
        &self,
        name: String,
    ) -> RedisResult<impl Future<Output = ()> + Send + use<>> {
        // Before it is asked: what the server tells comes between the answers.
        let place = self.desk.wait_for(name);
        self.track(&place.name).await.inspect_err(|error| {
            if is_refusal(error) && !self.refused.swap(true, Ordering::Relaxed) {
                tracing::info!(%error, "the server does not tell of changes; those who wait look");
            }
        })?;
        Ok(async move {
            let mut place = place;
            let Err(_told) = (&mut place.told).await;
        })
    }

    /// Any command that reads makes the server remember the key.
    async fn track(&self, name: &str) -> RedisResult<()> {
        let mut connected = self.connections.get().await?;
        let answer = cmd("EXISTS").arg(name).exec_async(&mut connected.connection).await;
        connected.check(answer)
    }
}

impl Desk {
    fn wait_for(self: &Arc<Self>, name: String) -> Place {
        let (tell, told) = oneshot::channel();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(name.clone()).or_default().insert(number, tell);
        Place { desk: Arc::clone(self), name, number, told }
    }

    fn hear(&self, push: PushInfo) {
        match (push.kind, push.data.into_iter().next()) {
            (PushKind::Invalidate, Some(Value::Array(names))) => {
                for name in names {
                    if let Value::BulkString(name) = name {
                        self.tell(&String::from_utf8_lossy(&name));
                    }
                }
            }
            // Everything was dropped, or from here on nothing would be told.
            (PushKind::Invalidate | PushKind::Disconnection, _) => self.tell_all(),
            _ => {}
        }
    }

    /// Gone from the desk is told: who waits sees the other end of the channel close.
    fn tell(&self, name: &str) {
        drop(self.lock().remove(name));
    }

    fn tell_all(&self) {
        drop(std::mem::take(&mut *self.lock()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.desk.lock();
        if let Some(waiting) = all.get_mut(&self.name) {
            waiting.remove(&self.number);
            if waiting.is_empty() {
                all.remove(&self.name);
            }
        }
    }
}

/// Whether the server will say the same the next time: the user may not, or what stands before the
/// server does not know how.
fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::RESP3NotSupported
        || matches!(error.code(), Some("ERR" | "NOPERM" | "NOPROTO"))
}
