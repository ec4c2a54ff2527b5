//! The publisher's end of the queue, and a count of the messages that are left.

use crate::worker::Payment;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Value, cmd};
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A queue that three consumers share.
pub(crate) struct Queue {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Queue {
    pub(crate) fn is_redis(&self) -> bool {
        !self.url.starts_with("amqp")
    }

    /// Publishes this number of payments, and every third of them twice; returns the number of messages.
    pub(crate) async fn publish(&self, payments: u32) -> Outcome<u32> {
        let twice = (1..=payments).filter(|id| id % 3 == 0);
        let ids: Vec<_> = (1..=payments).chain(twice).collect();
        if self.is_redis() {
            let mut connection = self.redis().await?;
            for id in &ids {
                let payment = serde_json::to_vec(&Payment { id: *id, cents: 100 })?;
                let mut add = cmd("XADD");
                add.arg(&self.name).arg("*").arg("payload").arg(payment);
                add.exec_async(&mut connection).await?;
            }
        } else {
            let (_connection, channel) = self.connect().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            // The consumers declare the queue.
            while self.waiting(&self.name).await?.is_none() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            for id in &ids {
                let payment = serde_json::to_vec(&Payment { id: *id, cents: 100 })?;
                let options = BasicPublishOptions { mandatory: true, ..Default::default() };
                let kept = BasicProperties::default().with_delivery_mode(2);
                let name = self.name.as_str().into();
                channel.basic_publish("".into(), name, options, &payment, kept).await?.await?;
            }
        }
        Ok(u32::try_from(ids.len())?)
    }

    /// Waits until no message is left for any consumer.
    pub(crate) async fn wait_until_empty(&self) -> Outcome<()> {
        while self.unfinished().await? > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn unfinished(&self) -> Outcome<u64> {
        if !self.is_redis() {
            // Messages that are delivered already are finished when their consumer is stopped.
            return Ok(self.waiting(&self.name).await?.unwrap_or(0));
        }
        let groups: Vec<HashMap<String, Value>> =
            self.query(&["XINFO", "GROUPS", &self.name]).await?;
        let count = |name| match groups.first().and_then(|group| group.get(name)) {
            Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        Ok(count("pending") + count("lag"))
    }

    pub(crate) async fn dead_letters(&self) -> Outcome<u64> {
        if self.is_redis() {
            self.query(&["XLEN", &format!("{}:dead", self.name)]).await
        } else {
            Ok(self.waiting(&format!("{}.dead", self.name)).await?.unwrap_or(0))
        }
    }

    async fn query<T: FromRedisValue>(&self, words: &[&str]) -> Outcome<T> {
        Ok(cmd(words[0]).arg(&words[1..]).query_async(&mut self.redis().await?).await?)
    }

    async fn redis(&self) -> Outcome<MultiplexedConnection> {
        Ok(redis::Client::open(&*self.url)?.get_multiplexed_async_connection().await?)
    }

    async fn connect(&self) -> Outcome<(Connection, Channel)> {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }

    /// The number of messages that wait; `None` if there is no such queue.
    async fn waiting(&self, queue: &str) -> Outcome<Option<u64>> {
        let (_connection, channel) = self.connect().await?;
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let found = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        Ok(found.ok().map(|queue| u64::from(queue.message_count())))
    }
}
