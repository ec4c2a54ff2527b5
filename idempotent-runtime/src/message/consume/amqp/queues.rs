//! The queues of one consumer, and how they are declared.

use super::QueueKind;
use crate::clock::millis;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Result};
use std::time::Duration;

/// The names of the queues.
#[derive(Clone, Debug)]
pub(super) struct Queues {
    pub(super) queue: String,
    pub(super) dead: String,
    pub(super) kind: QueueKind,
}

impl Queues {
    /// Declares the queue and that of its dead letters.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<()> {
        declare(channel, &self.dead, self.of_its_kind()).await?;
        if self.kind == QueueKind::Declared {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            return channel
                .queue_declare(self.queue.as_str().into(), passive, FieldTable::default())
                .await
                .map(drop);
        }
        // What the broker itself gives up goes there, too.
        let arguments = to_queue(self.of_its_kind(), &self.dead);
        declare(channel, &self.queue, arguments).await
    }

    /// Declares the queue in which messages wait this long, and names it.
    pub(super) async fn declare_later(&self, channel: &Channel, after: Duration) -> Result<String> {
        let name = format!("{}.later.{}", self.queue, millis(after));
        let mut arguments = to_queue(self.of_its_kind(), &self.queue);
        let time = i64::try_from(millis(after)).unwrap_or(i64::MAX);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(time));
        if self.kind == QueueKind::Quorum {
            // A message leaves this queue when the other has it, and not before.
            let strategy = AMQPValue::LongString("at-least-once".into());
            arguments.insert("x-dead-letter-strategy".into(), strategy);
            arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        }
        declare(channel, &name, arguments).await?;
        Ok(name)
    }

    fn of_its_kind(&self) -> FieldTable {
        let kind = match self.kind {
            QueueKind::Quorum => "quorum",
            QueueKind::Classic | QueueKind::Declared => "classic",
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        arguments
    }
}

/// What leaves the queue without being acknowledged goes to this one.
fn to_queue(mut arguments: FieldTable, queue: &str) -> FieldTable {
    arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
    arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(queue.into()));
    arguments
}

async fn declare(channel: &Channel, name: &str, arguments: FieldTable) -> Result<()> {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await.map(drop)
}
