//! Locks in `ZooKeeper`: each caller waits for one in a queue of ephemeral nodes.

// From the top; each imports only files below it.
mod lock_node;
mod session;

mod errors;

use crate::error::StoreError;
use crate::store::future::StoreFuture;
use crate::store::locks::{LeaseStatus, LockHandle, LockRequest, Locks};
use crate::store::own_thread::thread_ended;
use errors::failed;
use lock_node::{LockNode, ReleaseRequest};
use session::{Sessions, directory};
use std::fmt;
use std::time::Duration;
use tokio::sync::oneshot;
use zookeeper_client::{Client, Error, SessionState};

/// The time in which the server must put a caller into the queue: the usual patience of engines.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps locks in `ZooKeeper` 3.5.3 or later (feature `zookeeper`), for handlers with
/// `strategy = "lock"` and `Idempotency::lock`.
///
/// ```no_run
/// # #[cfg(feature = "actix")]
/// # async fn built<Customer: idempotent_runtime::ScopeId + 'static>() -> Result<(), Box<dyn std::error::Error>> {
/// use idempotent_runtime::lock::ZooKeeperLocks;
/// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
///
/// let idempotency = Idempotency::builder(MemoryStore::new())
///     .locks(ZooKeeperLocks::connect("zookeeper://zk1:2181,zk2:2181").await?)
///     .scope(Scope::of::<Customer>())
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// Each caller gets an ephemeral sequential node and waits for the one before it. So callers get the lock in
/// their order, in all processes. The fence is the number of the transaction that created the node. A lock is
/// lost when the session of its process ends: the locks of a killed process become free after the session
/// timeout, whatever the `lease`.
pub struct ZooKeeperLocks(Sessions);

/// A held lock. A task on the thread of the sessions holds it.
#[derive(Debug)]
struct ZooKeeperLock {
    fence: u64,
    session: Client,
    release: oneshot::Sender<ReleaseRequest>,
}

impl ZooKeeperLocks {
    /// Connects to `zookeeper://[user:password@]host:port[,host:port…][/path]`, with a session timeout of ten
    /// seconds. Its connections cannot be encrypted: a URL that asks for it (`zookeepers:`, `zookeeper+tls:`)
    /// is refused.
    ///
    /// # Errors
    /// When the URL is malformed, or no server can be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_for(url, Duration::from_secs(10)).await
    }

    /// The same, with another session timeout: the time from the last sign of life to the end of the session.
    /// Servers limit it by their `tickTime`.
    ///
    /// # Errors
    /// When the URL is malformed, or no server can be reached.
    pub async fn connect_for(url: &str, session: Duration) -> Result<Self, StoreError> {
        let sessions = Sessions::new(url, session)?;
        let connecting = sessions.clone();
        let first = sessions.thread.run("connect", async move { connecting.current().await });
        first.await?.map_err(|error| failed("connect", error))?;
        Ok(Self(sessions))
    }
}

impl Locks for ZooKeeperLocks {
    fn acquire<'a>(
        &'a self,
        request: LockRequest<'a>,
    ) -> StoreFuture<'a, Option<Box<dyn LockHandle>>> {
        let directory = directory(request.key);
        let text = format!("{} {}", request.label.operation(), request.label.key());
        let (grant, granted) = oneshot::channel();
        let (sessions, wait, lease) = (self.0.clone(), request.wait, request.lease);
        // It ends on its thread, even if the caller goes away: a node must not stay without a use.
        self.0.thread.keep_running(async move {
            let current = tokio::time::timeout(PATIENCE, sessions.current()).await;
            match current.unwrap_or(Err(Error::Timeout)) {
                Ok(session) => {
                    let node = LockNode::new(session, sessions.acls(), directory, text);
                    queue_and_hold(node, grant, wait, lease).await;
                }
                Err(error) => drop(grant.send(Err(error))),
            }
        });
        let mut answer = GrantReceiver(granted);
        StoreFuture::new(async move {
            let lock = (&mut answer.0).await.map_err(|_| thread_ended("acquire"))?;
            let lock = lock.map_err(|error| failed("acquire", error))?;
            Ok(lock.map(|lock| -> Box<dyn LockHandle> { Box::new(lock) }))
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let sessions = self.0.clone();
        let asked = async move { sessions.current().await?.check_stat("/").await.map(drop) };
        StoreFuture::new(async move {
            self.0.thread.run("ping", asked).await?.map_err(|error| failed("ping", error))
        })
    }

    fn describe(&self) -> String {
        format!("ZooKeeper at {}", self.0.cluster())
    }
}

/// The answer to a caller: the lock, or `None` when others held it for too long.
type Granted = Result<Option<ZooKeeperLock>, Error>;

/// A caller that waits for the answer. If it goes away, a lock that was granted meanwhile is released.
struct GrantReceiver(oneshot::Receiver<Granted>);

impl Drop for GrantReceiver {
    fn drop(&mut self) {
        self.0.close();
        if let Ok(Ok(Some(lock))) = self.0.try_recv() {
            let (answer, _nobody) = oneshot::channel();
            drop(lock.release.send(answer));
        }
    }
}

/// The end of the wait for a lock.
enum WaitEnd {
    Acquired,
    TimedOut,
}

/// Goes all the way for one caller: puts its node into the queue, waits, grants the lock, holds it and
/// releases it.
async fn queue_and_hold(
    mut node: LockNode,
    mut grant: oneshot::Sender<Granted>,
    wait: Duration,
    lease: Duration,
) {
    let until = tokio::time::Instant::now() + wait;
    let queue = async {
        let fence = node.enqueue().await?;
        // If no node is before it, the lock is acquired, however long it took to learn that.
        Ok((fence, node.predecessor().await?))
    };
    let queued = tokio::time::timeout(PATIENCE, queue).await.unwrap_or(Err(Error::Timeout));
    let (fence, predecessor) = match queued {
        Ok(queued) => queued,
        Err(error) => {
            drop(grant.send(Err(error)));
            return drop(node.delete().await);
        }
    };
    let end = if predecessor.is_none() {
        Ok(WaitEnd::Acquired)
    } else {
        tokio::select! {
            turn = node.wait_for_turn() => turn.map(|()| WaitEnd::Acquired),
            () = tokio::time::sleep_until(until) => {
                node.check_connected().map(|()| WaitEnd::TimedOut)
            }
            () = grant.closed() => Ok(WaitEnd::TimedOut),
        }
    };
    let sent = match end {
        Ok(WaitEnd::Acquired) => {
            let (release, released) = oneshot::channel();
            let lock = ZooKeeperLock { fence, session: node.session().clone(), release };
            match grant.send(Ok(Some(lock))) {
                Ok(()) => return node.hold(released, lease).await,
                Err(_) => Ok(()),
            }
        }
        Ok(WaitEnd::TimedOut) => grant.send(Ok(None)).map_err(drop),
        Err(error) => grant.send(Err(error)).map_err(drop),
    };
    // Even if the caller did not wait for the answer.
    let (Ok(()) | Err(())) = sent;
    drop(node.delete().await);
}

impl LockHandle for ZooKeeperLock {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn is_certain(&self) -> bool {
        self.session.state() == SessionState::SyncConnected
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus> {
        let (answer, answered) = oneshot::channel();
        let sent = self.release.send(answer);
        StoreFuture::new(async move {
            sent.map_err(|_| thread_ended("release"))?;
            let status = answered.await.map_err(|_| thread_ended("release"))?;
            status.map_err(|error| failed("release", error))
        })
    }
}

impl fmt::Debug for ZooKeeperLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZooKeeperLocks").field(&self.describe()).finish()
    }
}
