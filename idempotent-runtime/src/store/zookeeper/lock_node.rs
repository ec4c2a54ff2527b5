//! The node of a caller that wants a lock: ephemeral and sequential, as in the recipes of `ZooKeeper`.
//!
//! Its name begins with random digits, by which it is found again if the answer to its creation was lost.
//! Each caller watches only the node before its own, so a release wakes one caller and not all.

use crate::clock::jittered;
use crate::store::locks::LeaseStatus;
use crate::store::zookeeper::errors::is_transient;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;
use zookeeper_client::{Acls, Client, CreateMode, Error, SessionState};

/// The pause before a request whose answer was lost is sent again.
const PAUSE: Duration = Duration::from_millis(50);

/// The request to release the lock: the channel for the answer.
pub(super) type ReleaseRequest = oneshot::Sender<Result<LeaseStatus, Error>>;

/// One caller's node in the queue for a lock.
pub(super) struct LockNode {
    session: Client,
    acls: Acls<'static>,
    /// The parent of all nodes of this lock.
    directory: String,
    /// The node's name without its number.
    name: String,
    /// A text for people, stored in the node.
    text: String,
    /// The node, once it is known to exist.
    created: Option<CreatedNode>,
}

struct CreatedNode {
    path: String,
    number: i32,
}

impl LockNode {
    /// A node that does not exist yet.
    pub(super) fn new(
        session: Client,
        acls: Acls<'static>,
        directory: String,
        text: String,
    ) -> Self {
        let name = format!("{:032x}-", rand::random::<u128>());
        Self { session, acls, directory, name, text, created: None }
    }

    pub(super) fn session(&self) -> &Client {
        &self.session
    }

    pub(super) fn check_connected(&self) -> Result<(), Error> {
        match self.session.state() {
            SessionState::SyncConnected => Ok(()),
            _ => Err(Error::ConnectionLoss),
        }
    }

    /// Creates the node at the end of the queue. The number of the transaction that creates it is the fence.
    pub(super) async fn enqueue(&mut self) -> Result<u64, Error> {
        let prefix = format!("{}/{}", self.directory, self.name);
        let sequential = CreateMode::EphemeralSequential.with_acls(self.acls);
        loop {
            match self.session.create(&prefix, self.text.as_bytes(), &sequential).await {
                Ok((stat, number)) => {
                    let (path, number) = (format!("{prefix}{number}"), wrapped(number.into_i64()));
                    self.created = Some(CreatedNode { path, number });
                    return Ok(stat.czxid.unsigned_abs());
                }
                Err(Error::NoNode) => self.create_directory().await?,
                Err(error) if is_transient(&error) => {
                    sleep(jittered(PAUSE)).await;
                    if let Some(fence) = self.find().await? {
                        return Ok(fence);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates the directories as containers, which the server removes some time after they became empty.
    async fn create_directory(&self) -> Result<(), Error> {
        let container = CreateMode::Container.with_acls(self.acls);
        match self.session.mkdir(&self.directory, &container).await {
            Err(error) if !is_transient(&error) => Err(error),
            // The caller creates its node again, and learns in this way whether the directory exists.
            _ => Ok(()),
        }
    }

    /// Finds the node whose creation got no answer, if it was created.
    async fn find(&mut self) -> Result<Option<u64>, Error> {
        // Another server may have created it, so this one has to catch up first.
        retry(|| self.session.sync(&self.directory)).await?;
        let Some(child) = self.children().await?.into_iter().find(|child| self.is_ours(child))
        else {
            return Ok(None);
        };
        let path = format!("{}/{child}", self.directory);
        let stat = retry(|| self.session.check_stat(&path)).await?;
        self.created = number(&child).map(|number| CreatedNode { path, number });
        Ok(stat.map(|stat| stat.czxid.unsigned_abs()))
    }

    fn is_ours(&self, child: &str) -> bool {
        child.starts_with(&self.name)
    }

    /// Waits until no node is before this one.
    pub(super) async fn wait_for_turn(&self) -> Result<(), Error> {
        while let Some(predecessor) = self.predecessor().await? {
            let path = format!("{}/{predecessor}", self.directory);
            let (there, watcher) = retry(|| self.session.check_and_watch_stat(&path)).await?;
            if there.is_some() {
                watcher.changed().await;
            }
        }
        Ok(())
    }

    /// The node right before this one. This node must still exist.
    pub(super) async fn predecessor(&self) -> Result<Option<String>, Error> {
        let children = self.children().await?;
        let is_there = children.iter().any(|child| self.is_ours(child));
        let ours = self.created.as_ref().filter(|_| is_there).ok_or(Error::SessionExpired)?;
        // Numbers wrap around, but a queue is shorter than half of them.
        let distance = |child: &str| number(child).map(|number| number.wrapping_sub(ours.number));
        let others = children.into_iter().filter_map(|child| Some((distance(&child)?, child)));
        Ok(others.filter(|(distance, _)| *distance < 0).max().map(|(_, child)| child))
    }

    async fn children(&self) -> Result<Vec<String>, Error> {
        match retry(|| self.session.list_children(&self.directory)).await {
            Err(Error::NoNode) => Ok(Vec::new()),
            children => children,
        }
    }

    /// Holds the lock until its holder releases it. If the holder is dropped without a release, the lock is
    /// held until its lease is over.
    pub(super) async fn hold(
        mut self,
        mut released: oneshot::Receiver<ReleaseRequest>,
        lease: Duration,
    ) {
        let mut state = self.session.state_watcher();
        let release = tokio::select! {
            release = &mut released => release,
            () = async { while !state.state().is_terminated() { state.changed().await; } } => {
                tracing::warn!(
                    lock = self.text,
                    "a lock is lost while its run goes on: its session ended; another may hold it",
                );
                released.await
            }
        };
        match release {
            Ok(answer) => drop(answer.send(self.delete().await)),
            Err(_dropped) => {
                sleep(lease).await;
                drop(self.delete().await);
            }
        }
    }

    /// Deletes the node, however long the server is away. If the session ends, the node ends by itself.
    pub(super) async fn delete(&mut self) -> Result<LeaseStatus, Error> {
        if self.created.is_none() {
            self.find().await?;
        }
        let Some(ours) = &self.created else { return Ok(LeaseStatus::Lost) };
        let mut if_gone = LeaseStatus::Lost;
        loop {
            match self.session.delete(&ours.path, None).await {
                Ok(()) => return Ok(LeaseStatus::Held),
                Err(Error::NoNode) => return Ok(if_gone),
                Err(Error::SessionExpired | Error::ClientClosed) => return Ok(LeaseStatus::Lost),
                Err(error) if is_transient(&error) => {
                    // This try may have deleted it already.
                    if_gone = LeaseStatus::Held;
                    sleep(jittered(PAUSE)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Sends a request until it gets an answer.
async fn retry<T, F: Future<Output = Result<T, Error>>>(send: impl Fn() -> F) -> Result<T, Error> {
    loop {
        match send().await {
            Err(error) if is_transient(&error) => sleep(jittered(PAUSE)).await,
            answer => return answer,
        }
    }
}

/// The number at the end of a node's name.
fn number(child: &str) -> Option<i32> {
    child.split_once('-')?.1.parse().ok().map(wrapped)
}

/// Wraps a number at 32 bits, as the server does.
fn wrapped(number: i64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the server truncates it, too")]
    let wrapped = number as i32;
    wrapped
}
