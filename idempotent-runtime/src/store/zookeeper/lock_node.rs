//! A place in line: an ephemeral sequential node, as in the recipes of `ZooKeeper`.
//!
//! Its name begins with random digits, by which it is found again when the answer to its making was
//! lost. Each watches only the node before its own, so a release wakes one and not all.

use crate::store::locks::LeaseStatus;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;
use zookeeper_client::{Acls, Client, CreateMode, Error};

/// The pause before something is asked again whose answer was lost.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Place {
    session: Client,
    acls: Acls<'static>,
    directory: String,
    /// The node's name without its number.
    name: String,
    note: String,
    /// The node, once it is known to be there.
    node: Option<Ours>,
}

struct Ours {
    path: String,
    number: i32,
}

/// How a holder asks for the end.
type Release = oneshot::Sender<Result<LeaseStatus, Error>>;

impl Place {
    pub(super) fn new(
        session: Client,
        acls: Acls<'static>,
        directory: String,
        note: String,
    ) -> Self {
        let name = format!("{:032x}-", rand::random::<u128>());
        Self { session, acls, directory, name, note, node: None }
    }

    pub(super) fn session(&self) -> &Client {
        &self.session
    }

    pub(super) fn is_connected(&self) -> Result<(), Error> {
        match self.session.state() {
            zookeeper_client::SessionState::SyncConnected => Ok(()),
            _ => Err(Error::ConnectionLoss),
        }
    }

    /// Stands in line, and answers the transaction by which it does.
    pub(super) async fn join(&mut self) -> Result<u64, Error> {
        let prefix = format!("{}/{}", self.directory, self.name);
        let ours = CreateMode::EphemeralSequential.with_acls(self.acls);
        loop {
            match self.session.create(&prefix, self.note.as_bytes(), &ours).await {
                Ok((stat, number)) => {
                    let (path, number) = (format!("{prefix}{number}"), wrapped(number.into_i64()));
                    self.node = Some(Ours { path, number });
                    return Ok(stat.czxid.unsigned_abs());
                }
                Err(Error::NoNode) => self.make_directory().await?,
                Err(error) if passes(&error) => {
                    sleep(PAUSE).await;
                    if let Some(fence) = self.find().await? {
                        return Ok(fence);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Containers, which the server removes some time after they became empty.
    async fn make_directory(&self) -> Result<(), Error> {
        let container = CreateMode::Container.with_acls(self.acls);
        match self.session.mkdir(&self.directory, &container).await {
            // Looked at again either way.
            Err(error) if !passes(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// The node whose making was not answered, if it was made.
    async fn find(&mut self) -> Result<Option<u64>, Error> {
        // It may have been made by another server than the one that is asked now.
        again(|| self.session.sync(&self.directory)).await?;
        let Some(child) = self.children().await?.into_iter().find(|child| self.is_ours(child))
        else {
            return Ok(None);
        };
        let path = format!("{}/{child}", self.directory);
        let stat = again(|| self.session.check_stat(&path)).await?;
        self.node = number(&child).map(|number| Ours { path, number });
        Ok(stat.map(|stat| stat.czxid.unsigned_abs()))
    }

    fn is_ours(&self, child: &str) -> bool {
        child.starts_with(&self.name)
    }

    /// Waits until nobody is before it.
    pub(super) async fn turn(&self) -> Result<(), Error> {
        while let Some(ahead) = self.ahead().await? {
            let path = format!("{}/{ahead}", self.directory);
            let (there, watcher) = again(|| self.session.check_and_watch_stat(&path)).await?;
            if there.is_some() {
                watcher.changed().await;
            }
        }
        Ok(())
    }

    /// The node right before ours, which must still be there.
    pub(super) async fn ahead(&self) -> Result<Option<String>, Error> {
        let children = self.children().await?;
        let ours = self.node.as_ref().filter(|_| children.iter().any(|child| self.is_ours(child)));
        let ours = ours.ok_or(Error::SessionExpired)?;
        // Numbers wrap around, and a line is shorter than half of them.
        let before = |child: &str| number(child).map(|number| number.wrapping_sub(ours.number));
        let ahead = children.into_iter().filter_map(|child| Some((before(&child)?, child)));
        Ok(ahead.filter(|(by, _)| *by < 0).max().map(|(_, child)| child))
    }

    async fn children(&self) -> Result<Vec<String>, Error> {
        match again(|| self.session.list_children(&self.directory)).await {
            Err(Error::NoNode) => Ok(Vec::new()),
            children => children,
        }
    }

    /// Holds the lock until it is told to release it; whoever cannot tell it any more leaves the lock
    /// to its lease.
    pub(super) async fn keep(mut self, released: oneshot::Receiver<Release>, lease: Duration) {
        let mut released = released;
        let mut state = self.session.state_watcher();
        let release = tokio::select! {
            release = &mut released => release,
            () = async { while !state.state().is_terminated() { state.changed().await; } } => {
                tracing::warn!(
                    lock = self.note,
                    "a lock is lost while its run goes on: its session ended; another may hold it",
                );
                released.await
            }
        };
        match release {
            Ok(answer) => drop(answer.send(self.leave().await)),
            Err(_dropped) => {
                sleep(lease).await;
                drop(self.leave().await);
            }
        }
    }

    /// Leaves the line, however long the server is away; with the session the node ends by itself.
    pub(super) async fn leave(&mut self) -> Result<LeaseStatus, Error> {
        if self.node.is_none() {
            self.find().await?;
        }
        let Some(ours) = &self.node else { return Ok(LeaseStatus::Lost) };
        let mut gone = LeaseStatus::Lost;
        loop {
            match self.session.delete(&ours.path, None).await {
                Ok(()) => return Ok(LeaseStatus::Held),
                Err(Error::NoNode) => return Ok(gone),
                Err(Error::SessionExpired | Error::ClientClosed) => return Ok(LeaseStatus::Lost),
                Err(error) if passes(&error) => {
                    // Gone by now, it may have been us.
                    gone = LeaseStatus::Held;
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether asking again can help: the server was busy, or the connection broke before the answer,
/// which has as many names as there are ways to break. The client connects again by itself, and ends
/// the session if it cannot.
fn passes(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionLoss
            | Error::Custom(_)
            | Error::UnexpectedError(_)
            | Error::SessionMoved
            | Error::Throttled
    )
}

/// Asks until the answer is not lost.
async fn again<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> Result<T, Error> {
    loop {
        match ask().await {
            Err(error) if passes(&error) => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// The number of a node, from the end of its name.
fn number(child: &str) -> Option<i32> {
    child.split_once('-')?.1.parse().ok().map(wrapped)
}

/// The server counts in 32 bits.
fn wrapped(number: i64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "that is what the server does")]
    let wrapped = number as i32;
    wrapped
}
