//! A queue of `RabbitMQ`, as an application names it.

use crate::message::consume::amqp::outstanding::Outstanding;
use crate::message::consume::amqp::queues::{QueueKind, Queues};
use crate::message::consume::amqp::redrive::redrive;
use crate::message::consume::amqp::session::{AmqpSession, ping};
use crate::message::consume::source::{
    BrokenConnection, ConsumeError, QueueSession, Source, answers,
};
use crate::store::own_thread::OwnThread;
use lapin::uri::AMQPUri;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The longest silence of a peer, in seconds, where the URL says nothing else (`?heartbeat=`).
const HEARTBEAT: u16 = 10;

/// The longest name of a queue, in bytes: a name with a suffix must fit into 255.
const LONGEST_NAME: usize = 200;

/// A queue of `RabbitMQ`, or of another broker of AMQP 0.9.1.
///
/// It is declared durable. The consumer also declares `{queue}.dead`, where dead letters go with the headers
/// `idempotency-reason` and `idempotency-attempts`, and, when they are needed, queues
/// `{queue}.later.{milliseconds}`, where messages wait. Bind the queue to exchanges as you like.
pub struct AmqpQueue {
    uri: AMQPUri,
    queues: Queues,
    /// The messages of this process, through all of its connections.
    outstanding: Arc<Outstanding>,
    /// The thread of its connections, once there is one.
    thread: OnceLock<OwnThread>,
}

impl AmqpQueue {
    /// Names a queue at `amqp://[user:password@]host[:port][/vhost]`.
    ///
    /// # Errors
    /// When the URL is not one of AMQP, or the name is empty or longer than 200 bytes. Nothing is connected
    /// yet.
    pub fn new(url: &str, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        // The library's own error quotes the URL, with its password.
        let form = "no URL of AMQP: it has the form `amqp://user:password@host:port/vhost`";
        let no_url = |_: String| ConsumeError::Unusable(form.to_owned());
        let mut uri: AMQPUri = url.parse().map_err(no_url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let queue = checked_name(queue.into())?;
        let dead = format!("{queue}.dead");
        let queues = Queues { queue, dead, kind: QueueKind::default() };
        Ok(Self { uri, queues, outstanding: Arc::default(), thread: OnceLock::new() })
    }

    /// Sets the queue for dead letters. Defaults to `{queue}.dead`.
    ///
    /// # Errors
    /// When the name is empty or longer than 200 bytes.
    pub fn dead_letters(mut self, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        self.queues.dead = checked_name(queue.into())?;
        Ok(self)
    }

    /// Sets the kind of the queues that are declared. Defaults to [`QueueKind::Classic`].
    #[must_use]
    pub fn kind(mut self, kind: QueueKind) -> Self {
        self.queues.kind = kind;
        self
    }

    /// Puts back as many dead letters, from the oldest on, and says how many there were.
    ///
    /// Each begins anew, without its reason and its counts. Moved by other means, as by a shovel, a dead letter
    /// does so as well.
    ///
    /// # Errors
    /// When the broker does not answer or refuses. Those that were put back stay so.
    pub async fn redrive(&self, at_most: usize) -> Result<usize, ConsumeError> {
        let moved =
            async { redrive(self.uri.clone(), self.thread()?, &self.queues, at_most).await };
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
    /// Whether the broker lets us in now, within this time, on a connection of its own: for a readiness probe.
    ///
    /// # Errors
    /// When it does not answer, or with an error.
    pub async fn ping(&self, within: Duration) -> Result<(), ConsumeError> {
        answers(self, within, async { Ok(ping(self.uri.clone()).await?) }).await
    }
}

fn checked_name(queue: String) -> Result<String, ConsumeError> {
    if queue.is_empty() || queue.len() > LONGEST_NAME {
        let why = format!("a queue has a name of 1 to {LONGEST_NAME} bytes, and not `{queue}`");
        return Err(ConsumeError::Unusable(why));
    }
    Ok(queue)
}

impl Source for AmqpQueue {
    fn describe(&self) -> String {
        let at = &self.uri.authority;
        format!("the queue `{}` of RabbitMQ at {}:{}", self.queues.queue, at.host, at.port)
    }

    async fn open(&self, prefetch: u16) -> Result<impl QueueSession, BrokenConnection> {
        let (uri, thread) = (self.uri.clone(), self.thread()?);
        Ok(AmqpSession::open(uri, &self.queues, prefetch, &self.outstanding, thread).await?)
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AmqpQueue").field(&self.describe()).finish()
    }
}
