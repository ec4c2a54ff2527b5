//! The contract between the driver and each kind of queue.

use crate::message::consume::decide::Settlement;
use crate::message::consume::failure::{Cause, Failure};
use crate::message::consume::history::History;
use crate::message::consume::incoming::Incoming;
use crate::message::delivered::DeliveredCalls;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// The longest time for one conversation with a server. After that the connection counts as broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A queue to consume: [`AmqpQueue`](super::AmqpQueue), [`RedisStream`](super::RedisStream).
pub trait Source: Send + Sync + 'static {
    /// The queue and its address without credentials, for people.
    #[doc(hidden)]
    fn describe(&self) -> String;

    /// Connects, and creates whatever is missing.
    #[doc(hidden)]
    fn open(
        &self,
        prefetch: u16,
    ) -> impl Future<Output = Result<impl QueueSession, BrokenConnection>> + Send;
}

/// A connection that delivers messages.
#[doc(hidden)]
pub trait QueueSession: Send {
    /// The next messages, from one to `at_most`.
    ///
    /// If the future is dropped, no message is lost: the next call returns them.
    fn next(
        &mut self,
        at_most: usize,
    ) -> impl Future<Output = Result<Vec<Delivery>, BrokenConnection>> + Send;

    /// Stops the delivery of messages. Returns the messages that were delivered before and that `next` has
    /// not returned.
    fn stop_delivery(&mut self) -> impl Future<Output = Vec<Delivery>> + Send;

    /// Goes on with the delivery of messages after it was stopped.
    fn resume_delivery(&mut self) -> impl Future<Output = Result<(), BrokenConnection>> + Send;

    /// Closes the connection. All of its messages are settled by then.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A message that was delivered to this process and has to be settled.
pub struct Delivery {
    pub(super) ack_token: Box<dyn AckToken>,
    pub(super) history: History,
    pub(super) arrival: Arrival,
    /// The guarded calls of its handler.
    pub(super) calls: Arc<DeliveredCalls>,
    pub(super) incoming: Result<Incoming, Failure>,
}

/// The way in which a message arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is to be worked on.
    Delivered,
    /// Its consumer died. Its history counts that death, and must be stored before there is another attempt,
    /// or a message that kills its consumers would do so for ever.
    Orphaned,
    /// It was a dead letter, and a person put it back.
    PutBack,
}

impl Delivery {
    /// Whether no other message should be worked on at the same time.
    pub(super) fn runs_alone(&self) -> bool {
        self.arrival == Arrival::Delivered && self.history.runs_alone()
    }
}

/// Settles one message, while others may be delivered.
pub(super) trait AckToken: Send {
    /// Tells the queue the settlement. A copy that the queue has to keep is confirmed before the message
    /// itself is given up.
    fn settle(
        self: Box<Self>,
        settlement: Settlement,
    ) -> BoxFuture<'static, Result<(), BrokenConnection>>;
}

/// The failure of a connection, which cannot be used any more.
#[derive(Debug)]
pub struct BrokenConnection {
    pub(super) cause: Cause,
    /// Whether the server refused, and would refuse again.
    pub(super) refused: bool,
}

impl BrokenConnection {
    pub(super) fn new(cause: impl Into<Cause>) -> Self {
        Self { cause: cause.into(), refused: false }
    }

    /// The same failure as an error of a queue, for a caller that does not consume it.
    pub(super) fn of(self, queue: String) -> ConsumeError {
        ConsumeError::Failed { queue, source: self.cause }
    }
}

/// The reason why a queue is not consumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// A setting cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The server refuses the connection, and would refuse it again.
    #[error("{queue} cannot be consumed")]
    #[non_exhaustive]
    Refused {
        /// The queue and its address.
        queue: String,
        /// The server's own error.
        source: Cause,
    },
    /// The server does not answer now, or answers with an error.
    #[error("{queue} does not answer: {cause}")]
    #[non_exhaustive]
    Unanswered {
        /// The queue and its address.
        queue: String,
        /// The server's own error.
        cause: Cause,
    },
    /// The server did not answer, or refused.
    #[error("{queue} cannot be used now")]
    #[non_exhaustive]
    Failed {
        /// The queue and its address.
        queue: String,
        /// The server's own error.
        source: Cause,
    },
    /// The engine lacks something that a function of the first message needs.
    #[error("no message of {queue} can be processed: {why}")]
    #[non_exhaustive]
    Misconfigured {
        /// The queue and its address.
        queue: String,
        /// The part that is missing.
        why: &'static str,
    },
}

/// Checks that a server answers within this time.
pub(super) async fn answers(
    source: &impl Source,
    within: Duration,
    asked: impl Future<Output = Result<(), BrokenConnection>>,
) -> Result<(), ConsumeError> {
    let late = |_| BrokenConnection::new(format!("no answer within {within:?}"));
    let answered = tokio::time::timeout(within, asked).await.map_err(late).flatten();
    let unanswered = |BrokenConnection { cause, .. }| ConsumeError::Unanswered {
        queue: source.describe(),
        cause,
    };
    answered.map_err(unanswered)
}

/// Gives one conversation with a server a deadline.
pub(super) async fn within_patience<T>(
    what: &'static str,
    work: impl Future<Output = Result<T, BrokenConnection>>,
) -> Result<T, BrokenConnection> {
    let late = |_| BrokenConnection::new(format!("no answer within {PATIENCE:?} ({what})"));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}
