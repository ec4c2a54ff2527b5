//! Settles messages, on a channel of its own.

use crate::message::consume::amqp::headers::{headers_to_begin_anew, headers_to_republish};
use crate::message::consume::amqp::outstanding::Outstanding;
use crate::message::consume::amqp::properties::properties_to_republish;
use crate::message::consume::amqp::publish::publish;
use crate::message::consume::amqp::queues::Queues;
use crate::message::consume::decide::Settlement;
use crate::message::consume::history::History;
use crate::message::consume::source::{AckToken, BrokenConnection, PATIENCE};
use crate::message::delivered::DeliveredCalls;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lapin::options::BasicAckOptions;
use lapin::types::FieldTable;
use lapin::{Acker, BasicProperties, Channel, Connection};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Settles the messages of one connection; clones share everything.
#[derive(Clone)]
pub(super) struct AmqpAcknowledger {
    /// The channel on which messages are published; on a connection of its own.
    channel: Channel,
    publishing: Arc<Connection>,
    /// The number of settlements that wait because the broker is short of memory.
    blocked: Arc<AtomicUsize>,
    queues: Queues,
    /// The declared queues for messages that wait, by their delay.
    waiting: Arc<Mutex<HashMap<Duration, String>>>,
    outstanding: Arc<Outstanding>,
    /// The number of the connection.
    connection: u64,
}

/// A delivered message, with everything that its settlement needs.
pub(super) struct AmqpAckToken {
    pub(super) acknowledger: AmqpAcknowledger,
    pub(super) acker: Acker,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
    pub(super) name: u64,
    pub(super) history: History,
}

impl AmqpAcknowledger {
    pub(super) fn new(
        channel: Channel,
        publishing: &Arc<Connection>,
        queues: Queues,
        outstanding: Arc<Outstanding>,
    ) -> Self {
        let (connection, publishing) = (outstanding.connected(), Arc::clone(publishing));
        let (waiting, blocked) = (Arc::default(), Arc::default());
        Self { channel, publishing, blocked, queues, waiting, outstanding, connection }
    }

    /// The calls of a message that was delivered to this process on an earlier connection and is not settled.
    pub(super) fn taken_before(&self, name: u64) -> Option<Arc<DeliveredCalls>> {
        self.outstanding.take_earlier(name, self.connection)
    }

    pub(super) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Notes a message that was delivered to this process.
    pub(super) fn took(&self, name: u64, calls: &Arc<DeliveredCalls>) {
        self.outstanding.add(name, self.connection, Arc::clone(calls));
    }

    /// The queue in which messages wait for this time.
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
            Settlement::Acknowledge => {}
            Settlement::Later { after, history } => {
                let queue = self.acknowledger.waiting_queue(after).await?;
                let headers = headers_to_republish(&self.properties, &history, None);
                self.republish(&queue, headers).await?;
            }
            Settlement::DeadLetter { reason, history } => {
                let queue = &self.acknowledger.queues.dead;
                let headers = headers_to_republish(&self.properties, &history, Some(reason.0));
                self.republish(queue, headers).await?;
            }
            Settlement::BeginAnew => {
                let queue = &self.acknowledger.queues.queue;
                let headers = headers_to_begin_anew(&self.properties, self.history.deadline);
                self.republish(queue, headers).await?;
            }
            // If it were only redelivered, it would look like a message whose consumer died.
            Settlement::Leave => {
                let queue = &self.acknowledger.queues.queue;
                let headers = headers_to_republish(&self.properties, &self.history, None);
                self.republish(queue, headers).await?;
            }
        }
        if self.acker.ack(BasicAckOptions::default()).await? {
            let AmqpAcknowledger { outstanding, connection, .. } = &self.acknowledger;
            outstanding.settled(self.name, *connection);
            Ok(())
        } else {
            Err(BrokenConnection::new("the channel of a delivery is closed"))
        }
    }

    /// Publishes the message into a queue, and waits until the broker has confirmed it.
    async fn republish(&self, queue: &str, headers: FieldTable) -> Result<(), BrokenConnection> {
        let properties = properties_to_republish(&self.properties, headers);
        publish(&self.acknowledger.channel, queue, &self.payload, properties).await
    }
}

impl AckToken for AmqpAckToken {
    fn settle(
        self: Box<Self>,
        settlement: Settlement,
    ) -> BoxFuture<'static, Result<(), BrokenConnection>> {
        let (publishing, blocked) =
            (Arc::clone(&self.acknowledger.publishing), Arc::clone(&self.acknowledger.blocked));
        async move {
            let (mut told, mut waits) = (pin!(self.tell(settlement)), None);
            loop {
                if let Ok(told) = tokio::time::timeout(PATIENCE, &mut told).await {
                    return told;
                }
                // A blocked broker takes no messages now, but will later.
                if !publishing.status().blocked() {
                    return Err(BrokenConnection::new("no answer in time (settle a message)"));
                }
                waits.get_or_insert_with(|| Blocked::begin(&blocked));
            }
        }
        .boxed()
    }
}

/// A settlement that waits for a broker that is short of memory. This is logged when the first one begins,
/// and when the last one ends.
struct Blocked<'a>(&'a AtomicUsize);

impl<'a> Blocked<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("the broker takes no messages: retries and dead letters wait");
        }
        Self(count)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::warn!("no retry or dead letter waits for the broker any more");
        }
    }
}
