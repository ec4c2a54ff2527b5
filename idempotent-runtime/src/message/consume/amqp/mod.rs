//! The thin end on `RabbitMQ`: queues of AMQP 0.9.1.
//!
//! What comes again later waits in a queue that nobody consumes, one for each step of the delay: its
//! messages end after that time, and the broker puts them back. A message is published there, or among
//! the dead letters, and confirmed, before the one that was delivered is acknowledged.

mod acknowledger;
mod message;
mod queues;
mod session;

use crate::message::consume::source::{Broken, ConsumeError, Source};
use lapin::uri::AMQPUri;
use lapin::{Error, ErrorKind};
use queues::Queues;
use session::Consuming;
use std::fmt;

/// How often a peer must be heard of, in seconds, where the URL says nothing else (`?heartbeat=`).
const HEARTBEAT: u16 = 10;

/// The longest name of a queue: what is put behind it must fit into 255 bytes.
const LONGEST_NAME: usize = 200;

/// What kind of queues are declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueKind {
    /// Durable classic queues: on one node, which keeps them on its disk.
    ///
    /// A broker moves a message from a queue of these to another without waiting for the other's word: one
    /// whose delay ends at the moment in which the broker is killed may be lost.
    #[default]
    Classic,
    /// Quorum queues, from `RabbitMQ` 3.10: for clusters. They survive the loss of a node, and no message
    /// leaves one before the next has it.
    ///
    /// On a broker of one node they may be left without a leader when it was killed, and take nothing.
    Quorum,
    /// The queue is there, whatever it is, and only what it needs beside it is declared, as classic queues.
    Declared,
}

/// A queue of `RabbitMQ`, or of what else speaks AMQP 0.9.1.
///
/// It is declared durable. Beside it are declared `{queue}.dead`, where dead letters go with the headers
/// `idempotency-reason` and `idempotency-attempts`, and, once they are needed, queues
/// `{queue}.later.{milliseconds}`, where messages wait. Bind the queue to exchanges as you like.
pub struct AmqpQueue {
    uri: AMQPUri,
    queues: Queues,
}

impl AmqpQueue {
    /// A queue at `amqp://[user:password@]host[:port][/vhost]`.
    ///
    /// # Errors
    /// When the URL is none, or the name is empty or longer than 200 bytes. Nothing is connected yet.
    pub fn new(url: &str, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        // Not what the library says: it quotes the URL, with its password.
        let form = "no URL of AMQP: it has the form `amqp://user:password@host:port/vhost`";
        let no_url = |_: String| ConsumeError::Unusable(form.to_owned());
        let mut uri: AMQPUri = url.parse().map_err(no_url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let queue = named(queue.into())?;
        let dead = format!("{queue}.dead");
        Ok(Self { uri, queues: Queues { queue, dead, kind: QueueKind::default() } })
    }

    /// The queue that dead letters go to. Defaults to `{queue}.dead`.
    ///
    /// # Errors
    /// When the name is empty or longer than 200 bytes.
    pub fn dead_letters(mut self, queue: impl Into<String>) -> Result<Self, ConsumeError> {
        self.queues.dead = named(queue.into())?;
        Ok(self)
    }

    /// What is declared. Defaults to [`QueueKind::Classic`].
    #[must_use]
    pub fn kind(mut self, kind: QueueKind) -> Self {
        self.queues.kind = kind;
        self
    }
}

fn named(queue: String) -> Result<String, ConsumeError> {
    if queue.is_empty() || queue.len() > LONGEST_NAME {
        let why = format!("a queue has a name of 1 to {LONGEST_NAME} bytes, and not `{queue}`");
        return Err(ConsumeError::Unusable(why));
    }
    Ok(queue)
}

impl Source for AmqpQueue {
    type Session = Consuming;

    fn describe(&self) -> String {
        let at = &self.uri.authority;
        format!("the queue `{}` of RabbitMQ at {}:{}", self.queues.queue, at.host, at.port)
    }

    async fn open(&self, prefetch: u16) -> Result<Consuming, Broken> {
        Consuming::open(self.uri.clone(), &self.queues, prefetch).await.map_err(broken)
    }
}

impl fmt::Debug for AmqpQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AmqpQueue").field(&self.describe()).finish()
    }
}

/// Sorts out what the broker will say again, whenever it is asked: the credentials, and a queue that
/// is another than it is declared to be.
fn broken(error: Error) -> Broken {
    const REFUSED: [u16; 2] = [403, 406];
    let refused = match error.kind() {
        ErrorKind::ProtocolError(error) => REFUSED.contains(&error.get_id()),
        _ => false,
    };
    Broken { refused, ..Broken::new(error) }
}
