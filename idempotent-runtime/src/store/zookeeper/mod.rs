//! Locks in `ZooKeeper`: those who want one stand in line as ephemeral nodes.

mod place;
mod session;

use crate::error::{StoreError, StoreErrorKind};
use crate::store::future::StoreFuture;
use crate::store::locks::{LeaseStatus, LockHandle, LockRequest, Locks};
use crate::store::own_thread::thread_ended;
use place::Place;
use session::{Sessions, directory};
use std::fmt;
use std::time::Duration;
use tokio::sync::oneshot;
use zookeeper_client::{Client, Error, SessionState};

/// How long the server may take to put down that somebody waits. As long as the engine gives other
/// stores.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps locks in `ZooKeeper` 3.5.3 or later (feature `zookeeper`), for handlers with
/// `strategy = "lock"` and `Idempotency::lock`.
///
/// ```no_run
/// # #[cfg(feature = "actix")]
/// # async fn built() -> Result<(), Box<dyn std::error::Error>> {
/// use idempotent_runtime::{Idempotency, MemoryStore, Scope, ZooKeeperLocks};
///
/// let idempotency = Idempotency::builder(MemoryStore::new())
///     .locks(ZooKeeperLocks::connect("zookeeper://zk1:2181,zk2:2181").await?)
///     .scope(Scope::header("Authorization"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// Who wants a lock gets an ephemeral sequential node, waits for the one before it, and so is served
/// in the order of asking, across processes. The fence is the transaction that made the node. A lock
/// is lost when the session of its process ends: a killed process frees its locks after the session
/// timeout, whatever the `lease`.
pub struct ZooKeeperLocks(Sessions);

/// A lock that is held, on the thread that keeps it.
#[derive(Debug)]
struct Node {
    fence: u64,
    session: Client,
    release: oneshot::Sender<oneshot::Sender<Result<LeaseStatus, Error>>>,
}

impl ZooKeeperLocks {
    /// Connects to `zookeeper://[user:password@]host:port[,host:port…][/path]`, with sessions of ten
    /// seconds.
    ///
    /// # Errors
    /// When the URL is none, or no server can be reached.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_for(url, Duration::from_secs(10)).await
    }

    /// The same with sessions that end so long after the last sign of life; servers bound it by
    /// their `tickTime`.
    ///
    /// # Errors
    /// When the URL is none, or no server can be reached.
    pub async fn connect_for(url: &str, session: Duration) -> Result<Self, StoreError> {
        let sessions = Sessions::new(url, session)?;
        let connecting = sessions.clone();
        let first = sessions.own.run("connect", async move { connecting.current().await });
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
        let (give, given) = oneshot::channel();
        let (sessions, at_most, lease) = (self.0.clone(), request.wait, request.lease);
        // To its end there, whatever becomes of who asked: a node must not outlive its use.
        self.0.own.keep_running(async move {
            let asked = tokio::time::timeout(PATIENCE, sessions.current()).await;
            match asked.unwrap_or(Err(Error::Timeout)) {
                Ok(session) => {
                    let place = Place::new(session, sessions.acls(), directory, text);
                    serve(place, give, at_most, lease).await;
                }
                Err(error) => drop(give.send(Err(error))),
            }
        });
        StoreFuture::new(async move {
            let node = given.await.map_err(|_| thread_ended("acquire"))?;
            let node = node.map_err(|error| failed("acquire", error))?;
            Ok(node.map(|node| -> Box<dyn LockHandle> { Box::new(node) }))
        })
    }

    fn describe(&self) -> String {
        format!("ZooKeeper at {}", self.0.cluster())
    }
}

type Given = Result<Option<Node>, Error>;

/// How a wait ended.
enum Turn {
    Come,
    TooLate,
}

/// One place in line, from its first to its last moment.
async fn serve(
    mut place: Place,
    mut give: oneshot::Sender<Given>,
    at_most: Duration,
    lease: Duration,
) {
    let until = tokio::time::Instant::now() + at_most;
    let join = async {
        let fence = place.join().await?;
        // Whoever has nobody before it need not wait, however long it took to find out.
        Ok((fence, place.ahead().await?))
    };
    let joined = tokio::time::timeout(PATIENCE, join).await.unwrap_or(Err(Error::Timeout));
    let (fence, ahead) = match joined {
        Ok(joined) => joined,
        Err(error) => {
            drop(give.send(Err(error)));
            return drop(place.leave().await);
        }
    };
    let turn = if ahead.is_none() {
        Ok(Turn::Come)
    } else {
        tokio::select! {
            turn = place.turn() => turn.map(|()| Turn::Come),
            () = tokio::time::sleep_until(until) => place.is_connected().map(|()| Turn::TooLate),
            () = give.closed() => Ok(Turn::TooLate),
        }
    };
    let given = match turn {
        Ok(Turn::Come) => {
            let (release, released) = oneshot::channel();
            let node = Node { fence, session: place.session().clone(), release };
            match give.send(Ok(Some(node))) {
                Ok(()) => return place.keep(released, lease).await,
                Err(_) => Ok(()),
            }
        }
        Ok(Turn::TooLate) => give.send(Ok(None)).map_err(drop),
        Err(error) => give.send(Err(error)).map_err(drop),
    };
    // Whether or not anybody was there to hear it.
    let (Ok(()) | Err(())) = given;
    drop(place.leave().await);
}

impl LockHandle for Node {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn is_certain(&self) -> bool {
        self.session.state() == SessionState::SyncConnected
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus> {
        let (answer, answered) = oneshot::channel();
        let told = self.release.send(answer);
        StoreFuture::new(async move {
            told.map_err(|_| thread_ended("release"))?;
            let hold = answered.await.map_err(|_| thread_ended("release"))?;
            hold.map_err(|error| failed("release", error))
        })
    }
}

impl fmt::Debug for ZooKeeperLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZooKeeperLocks").field(&self.describe()).finish()
    }
}

/// Sorts the client library's errors into ours.
fn failed(operation: &'static str, error: Error) -> StoreError {
    let kind = match error {
        Error::Timeout => StoreErrorKind::Timeout,
        Error::NoAuth
        | Error::AuthFailed
        | Error::InvalidAcl
        | Error::BadArguments(_)
        | Error::NotReadOnly
        | Error::QuotaExceeded
        | Error::Unimplemented => StoreErrorKind::Rejected,
        Error::UnmarshalError { .. } => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, operation).because(error)
}
