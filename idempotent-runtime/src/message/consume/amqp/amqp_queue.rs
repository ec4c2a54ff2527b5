//! A `RabbitMQ` queue, as an application names it.

use crate::message::consume::amqp::broker::Broker;
use crate::message::consume::amqp::outstanding::Outstanding;
use crate::message::consume::amqp::queues::{QueueKind, Queues};
use crate::message::consume::amqp::redrive::redrive;
use crate::message::consume::amqp::session::AmqpSession;
use crate::message::consume::source::{
    BrokenConnection, ConsumeError, QueueSession, Source, answers,
};
use crate::store::own_thread::OwnThread;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The longest name of a queue, in bytes: a name with a suffix must fit into 255.
const LONGEST_NAME: usize = 200;

/// A queue of `RabbitMQ`, or of another broker with AMQP 0.9.1.
///
/// It is declared durable. The consumer also declares `{queue}.dead` for dead letters, which have the headers
/// `idempotency-reason` and `idempotency-attempts`. When they are needed, it declares queues
/// `{queue}.later.{milliseconds}`, in which messages wait. Bind the queue to exchanges as you like.
pub struct AmqpQueue {
    broker: Broker,
    queues: Queues,
    /// The messages that this process has not settled, from all of its connections.
    outstanding: Arc<Outstanding>,
    /// The thread of its connections, once it runs.
    thread: OnceLock<OwnThread>,
}

impl AmqpQueue {
    /// Names a queue at `amqp://[user:password@]host[:port][/vhost]`, or, encrypted and with the feature
    /// `tls`, at `amqps://…`.
    ///
    /// `?ca=FILE` names the authorities to trust instead of the host's, `?cert=FILE&key=FILE` a certificate
    /// of this client. The files are PEM and are read by this call. Without the feature `tls`, `amqps://` is refused.
    ///
    /// # Errors
    /// When the URL is not an AMQP URL, a file of it cannot be read, or the name is empty or longer than 200
    /// bytes. Nothing is connected yet.
    pub fn new(url: &str, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        let broker = Broker::of(url).map_err(|error| ConsumeError::Unusable(error.to_string()))?;
        Self::at(broker, queue.into())
    }

    /// Names a queue of a broker to which the app itself connects. `broker` is its name for people.
    ///
    /// The function is called for each connection. A consumer has two, one for messages and one to publish
    /// on, and connects again after a break. The function runs on a thread of ours, so that a blocking
    /// handler does not stop the heartbeats, and has ten seconds. The function decides whether the connection
    /// is encrypted. It returns a connection of lapin 4.
    ///
    /// ```no_run
    /// # fn queue() -> Result<(), idempotent_runtime::consume::ConsumeError> {
    /// use idempotent_runtime::consume::AmqpQueue;
    /// use lapin::{Connection, ConnectionProperties};
    ///
    /// let queue = AmqpQueue::connect_with(
    ///     "the broker of orders",
    ///     || Connection::connect("amqp://localhost", ConnectionProperties::default()),
    ///     "orders",
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the queue's name is empty or longer than 200 bytes. Nothing is connected yet.
    pub fn connect_with<C>(
        broker: impl Into<String>,
        connect: impl Fn() -> C + Send + Sync + 'static,
        queue: impl Into<String>,
    ) -> Result<Self, ConsumeError>
    where
        C: Future<Output = lapin::Result<lapin::Connection>> + Send + 'static,
    {
        Self::at(Broker::connected_by(broker.into(), connect), queue.into())
    }

    fn at(broker: Broker, queue: String) -> Result<Self, ConsumeError> {
        let queue = checked_name(queue)?;
        let dead = format!("{queue}.dead");
        let queues = Queues { queue, dead, kind: QueueKind::default() };
        Ok(Self { broker, queues, outstanding: Arc::default(), thread: OnceLock::new() })
    }

    /// Sets the queue for dead letters. Defaults to `{queue}.dead`.
    ///
    /// # Errors
    /// When the name is empty or longer than 200 bytes.
    pub fn dead_letters(mut self, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        self.queues.dead = checked_name(queue.into())?;
        Ok(self)
    }

    /// Sets the kind of the queues that this declares. Defaults to [`QueueKind::Classic`].
    #[must_use]
    pub fn kind(mut self, kind: QueueKind) -> Self {
        self.queues.kind = kind;
        self
    }

    /// Puts at most this many dead letters back into the queue, the oldest first, and returns their number.
    ///
    /// Each of them begins anew, without its reason and its counts. A dead letter that is moved in another
    /// way, for instance by a shovel, begins anew, too.
    ///
    /// # Errors
    /// When the broker does not answer or refuses. Dead letters that were put back until then stay in the queue.
    pub async fn redrive(&self, at_most: usize) -> Result<usize, ConsumeError> {
        let moved = async { redrive(&self.broker, self.thread()?, &self.queues, at_most).await };
        let moved = moved.await;
        moved.map_err(|broken| broken.of(self.describe()))
    }

    /// The thread on which its connections live.
    fn thread(&self) -> Result<&OwnThread, BrokenConnection> {
        if let Some(thread) = self.thread.get() {
            return Ok(thread);
        }
        let started = OwnThread::start("idempotency-amqp").map_err(BrokenConnection::new)?;
        Ok(self.thread.get_or_init(|| started))
    }
}

impl AmqpQueue {
    /// Checks that the broker accepts a new connection within this time: for a readiness probe.
    ///
    /// # Errors
    /// When it does not answer in time, or answers with an error.
    pub async fn ping(&self, within: Duration) -> Result<(), ConsumeError> {
        answers(self, within, async { Ok(self.broker.ping().await?) }).await
    }
}

fn checked_name(queue: String) -> Result<String, ConsumeError> {
    if queue.is_empty() || queue.len() > LONGEST_NAME {
        let why = format!("a queue has a name of 1 to {LONGEST_NAME} bytes, but not `{queue}`");
        return Err(ConsumeError::Unusable(why));
    }
    Ok(queue)
}

impl Source for AmqpQueue {
    fn describe(&self) -> String {
        format!("the queue `{}` of RabbitMQ at {}", self.queues.queue, self.broker.address())
    }

    async fn open(&self, prefetch: u16) -> Result<impl QueueSession, BrokenConnection> {
        let (broker, thread) = (&self.broker, self.thread()?);
        Ok(AmqpSession::open(broker, &self.queues, prefetch, &self.outstanding, thread).await?)
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AmqpQueue").field(&self.describe()).finish()
    }
}
