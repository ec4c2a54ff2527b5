//! The queues that a consumer declares.

use crate::clock::millis;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Result};
use std::time::Duration;

/// The kind of the queues that a consumer declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueKind {
    /// Durable classic queues, on the disk of one node.
    ///
    /// The broker moves a message between two of these queues without a confirmation. If it is killed at the
    /// moment when a delay ends, that message may be lost.
    #[default]
    Classic,
    /// Quorum queues, for clusters, from `RabbitMQ` 3.10. They survive the loss of a node, and a message
    /// leaves one only after the next queue has it.
    ///
    /// On a broker with one node, they may have no leader after that node was killed, and then take no messages.
    Quorum,
    /// The queue exists, and may be of any kind. Only the queues beside it are declared, as classic ones.
    Declared,
}

/// The queues of one consumer: their names and their kind.
#[derive(Clone, Debug)]
pub(super) struct Queues {
    pub(super) queue: String,
    pub(super) dead: String,
    pub(super) kind: QueueKind,
}

impl Queues {
    /// Declares the queue and the one for its dead letters.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<()> {
        declare_durable(channel, &self.dead, self.arguments()).await?;
        if self.kind == QueueKind::Declared {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            return channel
                .queue_declare(self.queue.as_str().into(), passive, FieldTable::default())
                .await
                .map(drop);
        }
        // A message that the broker itself gives up goes to the dead letters, too.
        let arguments = expiring_to(self.arguments(), &self.dead);
        declare_durable(channel, &self.queue, arguments).await
    }

    /// Declares the queue in which messages wait for this time, and returns its name.
    pub(super) async fn declare_later(&self, channel: &Channel, after: Duration) -> Result<String> {
        let name = format!("{}.later.{}", self.queue, millis(after));
        let mut arguments = expiring_to(self.arguments(), &self.queue);
        let time = i64::try_from(millis(after)).unwrap_or(i64::MAX);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(time));
        if self.kind == QueueKind::Quorum {
            // A message leaves this queue only after the other queue has it.
            let strategy = AMQPValue::LongString("at-least-once".into());
            arguments.insert("x-dead-letter-strategy".into(), strategy);
            arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        }
        declare_durable(channel, &name, arguments).await?;
        Ok(name)
    }

    fn arguments(&self) -> FieldTable {
        let kind = match self.kind {
            QueueKind::Quorum => "quorum",
            QueueKind::Classic | QueueKind::Declared => "classic",
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        arguments
    }
}

/// Sends a message that leaves the queue without an acknowledgement to `queue`.
fn expiring_to(mut arguments: FieldTable, queue: &str) -> FieldTable {
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(queue.into()));
    arguments
}

async fn declare_durable(channel: &Channel, name: &str, arguments: FieldTable) -> Result<()> {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await.map(drop)
}
