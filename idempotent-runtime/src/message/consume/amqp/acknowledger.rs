//! Settling messages, on a channel of its own.

use crate::message::consume::amqp::properties::properties_to_republish;
use crate::message::consume::amqp::queues::Queues;
use crate::message::consume::decide::Settlement;
use crate::message::consume::source::{AckToken, BrokenConnection, within_patience};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::{Acker, BasicProperties, Channel, Confirmation};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The pause before a message is published again into a queue that refused it.
const REFUSED: Duration = Duration::from_millis(50);

/// Settles the messages of one connection; clones share everything.
#[derive(Clone)]
pub(super) struct AmqpAcknowledger {
    channel: Channel,
    queues: Queues,
    /// The queues for messages that wait, by their delay, if declared on this connection.
    waiting: Arc<Mutex<HashMap<Duration, String>>>,
}

/// A delivered message, with everything that its settlement needs.
pub(super) struct AmqpAckToken {
    pub(super) acknowledger: AmqpAcknowledger,
    pub(super) acker: Acker,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
    pub(super) attempt: u32,
    pub(super) deadline: Option<Duration>,
}

impl AmqpAcknowledger {
    pub(super) fn new(channel: Channel, queues: Queues) -> Self {
        Self { channel, queues, waiting: Arc::default() }
    }

    /// The queue in which messages wait this long.
    async fn waiting_queue(&self, after: Duration) -> Result<String, BrokenConnection> {
        let mut waiting = self.waiting.lock().await;
        if let Some(name) = waiting.get(&after) {
            return Ok(name.clone());
        }
        let name = self.queues.declare_later(&self.channel, after).await?;
        waiting.insert(after, name.clone());
        Ok(name)
    }
}

impl AmqpAckToken {
    async fn tell(self, settlement: Settlement) -> Result<(), BrokenConnection> {
        match settlement {
            // Nobody acknowledges it, so it is redelivered.
            Settlement::Leave => return Ok(()),
            Settlement::Acknowledge => {}
            Settlement::Later { after, attempts } => {
                let queue = self.acknowledger.waiting_queue(after).await?;
                self.republish(&queue, attempts, None).await?;
            }
            Settlement::DeadLetter(reason) => {
                let queue = &self.acknowledger.queues.dead;
                self.republish(queue, self.attempt, Some(reason.to_string())).await?;
            }
        }
        if self.acker.ack(BasicAckOptions::default()).await? {
            Ok(())
        } else {
            Err(BrokenConnection::new("the channel of a delivery is closed"))
        }
    }

    /// Publishes the message into a queue, and waits until the broker has it.
    async fn republish(
        &self,
        queue: &str,
        attempts: u32,
        reason: Option<String>,
    ) -> Result<(), BrokenConnection> {
        // The broker returns the message if there is no such queue.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = properties_to_republish(&self.properties, attempts, self.deadline, reason);
        let channel = &self.acknowledger.channel;
        loop {
            let (to, properties) = (queue.into(), properties.clone());
            let sent = channel.basic_publish("".into(), to, options, &self.payload, properties);
            match sent.await?.await? {
                Confirmation::Ack(None) => return Ok(()),
                // A queue that elects its leader takes no message, and will soon.
                Confirmation::Nack(None) => tokio::time::sleep(REFUSED).await,
                _ => return Err(BrokenConnection::new(format!("there is no queue `{queue}`"))),
            }
        }
    }
}

impl AckToken for AmqpAckToken {
    fn settle(
        self: Box<Self>,
        settlement: Settlement,
    ) -> BoxFuture<'static, Result<(), BrokenConnection>> {
        within_patience("settle a message", self.tell(settlement)).boxed()
    }
}
