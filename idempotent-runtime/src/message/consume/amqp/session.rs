//! A connection to `RabbitMQ` that consumes a queue.

use crate::message::consume::amqp::acknowledger::AmqpAcknowledger;
use crate::message::consume::amqp::broker::Broker;
use crate::message::consume::amqp::message::delivery_of;
use crate::message::consume::amqp::outstanding::Outstanding;
use crate::message::consume::amqp::queues::Queues;
use crate::message::consume::source::{
    BrokenConnection, Delivery, PATIENCE, QueueSession, within_patience,
};
use crate::store::own_thread::OwnThread;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, Error, Result};
use std::sync::Arc;

/// A consumer with two connections of its own: one delivers messages and takes acknowledgements, the other
/// publishes. A broker that is short of memory blocks a connection that publishes, and reads nothing from it.
pub(super) struct AmqpSession {
    connection: Connection,
    publishing: Arc<Connection>,
    channel: Channel,
    /// `None` while the delivery is stopped.
    consumer: Option<Consumer>,
    acknowledger: AmqpAcknowledger,
}

impl AmqpSession {
    /// Connects and begins to consume. The caller sets a deadline.
    pub(super) async fn open(
        broker: &Broker,
        queues: &Queues,
        prefetch: u16,
        outstanding: &Arc<Outstanding>,
        thread: &OwnThread,
    ) -> Result<Self> {
        let connection = broker.connect(thread).await?;
        let publishing = Arc::new(broker.connect(thread).await?);
        let channel = connection.create_channel().await?;
        let publishes = publishing.create_channel().await?;
        publishes.confirm_select(ConfirmSelectOptions::default()).await?;
        queues.declare(&publishes).await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let consumer = Some(consume(&channel, queues).await?);
        let acknowledger =
            AmqpAcknowledger::new(publishes, &publishing, queues.clone(), Arc::clone(outstanding));
        Ok(Self { connection, publishing, channel, consumer, acknowledger })
    }
}

async fn consume(channel: &Channel, queues: &Queues) -> Result<Consumer> {
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    channel.basic_consume(queues.queue.as_str().into(), "".into(), options, arguments).await
}

impl QueueSession for AmqpSession {
    /// The broker knows how many messages are wanted, from the prefetch.
    async fn next(
        &mut self,
        _at_most: usize,
    ) -> std::result::Result<Vec<Delivery>, BrokenConnection> {
        let ended = "the broker ended the consumer, as when its queue is deleted";
        let ended = || BrokenConnection::new(ended);
        let Some(consumer) = &mut self.consumer else { return std::future::pending().await };
        let delivered = consumer.next().await.ok_or_else(ended)??;
        Ok(vec![delivery_of(delivered, &self.acknowledger)])
    }

    async fn stop_delivery(&mut self) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        let Some(mut consumer) = self.consumer.take() else { return deliveries };
        let cancelled = async {
            let options = BasicCancelOptions::default();
            self.channel.basic_cancel(consumer.tag(), options).await?;
            // Given back, a message of a classic queue would be redelivered, which counts as an attempt.
            while let Some(delivered) = consumer.next().await {
                deliveries.push(delivery_of(delivered?, &self.acknowledger));
            }
            Ok::<_, Error>(())
        };
        if !matches!(tokio::time::timeout(PATIENCE, cancelled).await, Ok(Ok(()))) {
            tracing::debug!("a consumer could not be cancelled; it ends with its connection");
        }
        deliveries
    }

    async fn resume_delivery(&mut self) -> std::result::Result<(), BrokenConnection> {
        let queues = self.acknowledger.queues();
        let consumer = async { Ok(consume(&self.channel, queues).await?) };
        self.consumer = Some(within_patience("consume", consumer).await?);
        Ok(())
    }

    /// The broker redelivers messages that were delivered and not acknowledged.
    async fn close(mut self) {
        self.consumer = None;
        for connection in [&self.connection, &*self.publishing] {
            let closed = connection.close(200, "".into());
            if !matches!(tokio::time::timeout(PATIENCE, closed).await, Ok(Ok(()))) {
                tracing::debug!("a connection could not be closed in order");
            }
        }
    }
}

/// When a connection breaks, messages that were delivered but not taken yet count as delivered to this
/// process, too.
impl Drop for AmqpSession {
    fn drop(&mut self) {
        let Some(consumer) = &mut self.consumer else { return };
        while let Some(Some(Ok(delivered))) = consumer.next().now_or_never() {
            drop(delivery_of(delivered, &self.acknowledger));
        }
    }
}
