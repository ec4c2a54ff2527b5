//! A connection to `RabbitMQ` that consumes a queue.

use crate::message::consume::amqp::acknowledger::AmqpAcknowledger;
use crate::message::consume::amqp::message::delivery_of;
use crate::message::consume::amqp::queues::Queues;
use crate::message::consume::source::{BrokenConnection, Delivery, PATIENCE, QueueSession};
use futures_util::StreamExt;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::runtime::default_runtime;
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Consumer, Error, Result};
use std::io;

/// A consumer on a connection of its own.
pub(super) struct AmqpSession {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    acknowledger: AmqpAcknowledger,
}

impl AmqpSession {
    /// Connects and consumes; the caller sets a deadline.
    pub(super) async fn open(uri: AMQPUri, queues: &Queues, prefetch: u16) -> Result<Self> {
        let connection = connect(uri).await?;
        let channel = connection.create_channel().await?;
        let publishes = connection.create_channel().await?;
        publishes.confirm_select(ConfirmSelectOptions::default()).await?;
        queues.declare(&publishes).await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let queue = queues.queue.as_str().into();
        let consumer =
            channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
        Ok(Self {
            connection,
            channel,
            consumer,
            acknowledger: AmqpAcknowledger::new(publishes, queues.clone()),
        })
    }
}

/// Connects, and closes the connection.
pub(super) async fn ping(uri: AMQPUri) -> Result<()> {
    connect(uri).await?.close(200, "".into()).await
}

/// Connects within a deadline of its own: the client library waits for ever for a host that does not answer,
/// on a thread that cannot be ended.
async fn connect(uri: AMQPUri) -> Result<Connection> {
    let open = async |uri: AMQPUri, runtime| {
        let tls = OwnedTLSConfig::default();
        let open = uri.connect_with_config_async(tls.as_ref(), &runtime);
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        Ok(tokio::time::timeout(PATIENCE, open).await.map_err(late)??)
    };
    Connection::connector(uri, default_runtime()?, open, ConnectionProperties::default()).await
}

impl QueueSession for AmqpSession {
    /// The broker knows how many there is room for, by the prefetch.
    async fn next(
        &mut self,
        _at_most: usize,
    ) -> std::result::Result<Vec<Delivery>, BrokenConnection> {
        let ended = "the broker ended the consumer, as when its queue is deleted";
        let ended = || BrokenConnection::new(ended);
        let delivered = self.consumer.next().await.ok_or_else(ended)??;
        Ok(vec![delivery_of(delivered, &self.acknowledger)])
    }

    async fn stop_delivery(&mut self) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        let cancelled = async {
            let options = BasicCancelOptions::default();
            self.channel.basic_cancel(self.consumer.tag(), options).await?;
            // Classic queues redeliver a message that is given back, which counts as an attempt.
            while let Some(delivered) = self.consumer.next().await {
                deliveries.push(delivery_of(delivered?, &self.acknowledger));
            }
            Ok::<_, Error>(())
        };
        if !matches!(tokio::time::timeout(PATIENCE, cancelled).await, Ok(Ok(()))) {
            tracing::debug!("a consumer could not be cancelled; it ends with its connection");
        }
        deliveries
    }

    /// The broker gives others the messages that were delivered and not acknowledged.
    async fn close(self) {
        let closed = self.connection.close(200, "".into());
        if !matches!(tokio::time::timeout(PATIENCE, closed).await, Ok(Ok(()))) {
            tracing::debug!("a connection could not be closed in order");
        }
    }
}
