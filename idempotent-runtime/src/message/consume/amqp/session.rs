//! A connection that consumes.

use super::acknowledger::Acknowledger;
use super::broken;
use super::message::{AckToken, taken};
use super::queues::Queues;
use crate::message::consume::source::{Broken, PATIENCE, Session, Taken};
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
pub struct Consuming {
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    hands: Acknowledger,
}

impl Consuming {
    /// Connects and consumes; whoever waits for it has a limit to that.
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
            hands: Acknowledger::new(publishes, queues.clone()),
        })
    }
}

/// The client library waits for ever for a host that does not answer, on a thread that nobody can end:
/// so its connecting has a limit of its own.
async fn connect(uri: AMQPUri) -> Result<Connection> {
    let open = async |uri: AMQPUri, runtime| {
        let tls = OwnedTLSConfig::default();
        let open = uri.connect_with_config_async(tls.as_ref(), &runtime);
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        Ok(tokio::time::timeout(PATIENCE, open).await.map_err(late)??)
    };
    Connection::connector(uri, default_runtime()?, open, ConnectionProperties::default()).await
}

impl Session for Consuming {
    type Acknowledger = Acknowledger;

    async fn next(&mut self, _room: usize) -> std::result::Result<Vec<Taken<AckToken>>, Broken> {
        let ended = || Broken::new("the broker ended the consumer, as when its queue is deleted");
        let delivery = self.consumer.next().await.ok_or_else(ended)?.map_err(broken)?;
        Ok(vec![taken(delivery)])
    }

    fn hands(&self) -> Acknowledger {
        self.hands.clone()
    }

    async fn stop_delivery(&mut self) -> Vec<Taken<AckToken>> {
        let mut delivered = Vec::new();
        let cancelled = async {
            let options = BasicCancelOptions::default();
            self.channel.basic_cancel(self.consumer.tag(), options).await?;
            // A classic queue would count an attempt for each that is given back.
            while let Some(delivery) = self.consumer.next().await {
                delivered.push(taken(delivery?));
            }
            Ok::<_, Error>(())
        };
        if !matches!(tokio::time::timeout(PATIENCE, cancelled).await, Ok(Ok(()))) {
            tracing::debug!("a consumer could not be cancelled; it ends with its connection");
        }
        delivered
    }

    /// The broker gives everybody else what was delivered and not acknowledged.
    async fn close(self) {
        let closed = self.connection.close(200, "".into());
        if !matches!(tokio::time::timeout(PATIENCE, closed).await, Ok(Ok(()))) {
            tracing::debug!("a connection could not be closed in order");
        }
    }
}
