//! What a queue does for the driver: the contract of its two ends.

use crate::message::consume::decide::Settlement;
use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use std::error::Error as StdError;
use std::time::Duration;

/// One conversation with a server may take this long before the connection counts as broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where messages come from: [`AmqpQueue`](super::AmqpQueue), [`RedisStream`](super::RedisStream).
pub trait Source: Send + Sync + 'static {
    /// What lasts as long as a connection.
    #[doc(hidden)]
    type Session: Session;

    /// The queue and its address without credentials, for people.
    #[doc(hidden)]
    fn describe(&self) -> String;

    /// Connects, and makes what is missing.
    #[doc(hidden)]
    fn open(&self, prefetch: u16) -> impl Future<Output = Result<Self::Session, Broken>> + Send;
}

/// A connection that delivers, and whatever was delivered on it.
#[doc(hidden)]
pub trait Session: Send {
    /// What settles messages, while others are delivered.
    type Acknowledger: Acknowledger;

    /// The next messages, at least one and not more than there is room for; those that are not given
    /// when this is dropped are given the next time.
    fn next(
        &mut self,
        room: usize,
    ) -> impl Future<Output = Result<Vec<Taken<TicketOf<Self>>>, Broken>> + Send;

    fn hands(&self) -> Self::Acknowledger;

    /// Takes no more; what was delivered by then and not given is given now.
    fn stop_delivery(&mut self) -> impl Future<Output = Vec<Taken<TicketOf<Self>>>> + Send;

    /// Nothing is left to be settled.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What settles messages.
#[doc(hidden)]
pub trait Acknowledger: Clone + Send + Sync + 'static {
    /// What a message is settled by.
    type AckToken: Send + 'static;

    /// Tells the queue; what it has to keep is confirmed before the message is given up.
    fn settle(
        &self,
        ticket: Self::AckToken,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), Broken>> + Send;
}

type TicketOf<S> = <<S as Session>::Acknowledger as Acknowledger>::AckToken;

/// A message that was delivered to this process, to be settled.
#[derive(Debug)]
pub struct Taken<T> {
    pub(super) ticket: T,
    pub(super) attempt: u32,
    pub(super) incoming: Result<Incoming, Failure>,
}

/// A connection is of no more use.
#[derive(Debug)]
pub struct Broken {
    pub(super) cause: Box<dyn StdError + Send + Sync>,
    /// Whether the server said no, and will say so again.
    pub(super) refused: bool,
}

impl Broken {
    pub(super) fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: cause.into(), refused: false }
    }
}

/// Why a queue is not consumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// A setting is of no use.
    #[error("{0}")]
    Unusable(String),
    /// The server refuses what it is asked for, and would again.
    #[error("{queue} cannot be consumed")]
    Refused {
        /// The queue and where it is.
        queue: String,
        /// What the server said.
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// The same, within the patience that one has with a server.
pub(super) async fn within<T>(
    what: &'static str,
    work: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    let late = |_| Broken::new(format!("no answer within {PATIENCE:?} ({what})"));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}
