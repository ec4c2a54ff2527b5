//! Settling messages, on a channel of its own.

use super::broken;
use super::message::{AckToken, sent_on};
use super::queues::Queues;
use crate::message::consume::decide::Settlement;
use crate::message::consume::source::{self, Broken, within};
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::{Channel, Confirmation};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a queue that takes no message is left alone; it is tried as long as one has patience.
const REFUSED: Duration = Duration::from_millis(50);

/// What settles messages; clones share everything.
#[derive(Clone)]
pub struct Acknowledger {
    channel: Channel,
    queues: Queues,
    /// The queues to wait in that were declared on this connection, by their delay.
    later: Arc<Mutex<HashMap<Duration, String>>>,
}

impl Acknowledger {
    pub(super) fn new(channel: Channel, queues: Queues) -> Self {
        Self { channel, queues, later: Arc::default() }
    }

    async fn send_on(
        &self,
        queue: &str,
        ticket: &AckToken,
        attempts: u32,
        reason: Option<String>,
    ) -> Result<(), Broken> {
        // The broker says so if there is no such queue.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = sent_on(&ticket.properties, attempts, reason);
        loop {
            let (to, properties) = (queue.into(), properties.clone());
            let sent =
                self.channel.basic_publish("".into(), to, options, &ticket.payload, properties);
            match sent.await.map_err(broken)?.await.map_err(broken)? {
                Confirmation::Ack(None) => return Ok(()),
                // A queue whose leader is being elected takes nothing, and will soon.
                Confirmation::Nack(None) => tokio::time::sleep(REFUSED).await,
                _ => return Err(Broken::new(format!("there is no queue `{queue}`"))),
            }
        }
    }

    async fn later(&self, after: Duration) -> Result<String, Broken> {
        let mut later = self.later.lock().await;
        if let Some(name) = later.get(&after) {
            return Ok(name.clone());
        }
        let name = self.queues.declare_later(&self.channel, after).await.map_err(broken)?;
        later.insert(after, name.clone());
        Ok(name)
    }

    async fn told(&self, ticket: AckToken, settlement: Settlement) -> Result<(), Broken> {
        match settlement {
            // Nobody acknowledges it, so it is delivered again.
            Settlement::Leave => return Ok(()),
            Settlement::Acknowledge => {}
            Settlement::Later { after, attempts } => {
                let queue = self.later(after).await?;
                self.send_on(&queue, &ticket, attempts, None).await?;
            }
            Settlement::DeadLetter(why) => {
                let (queue, why) = (&self.queues.dead, why.to_string());
                self.send_on(queue, &ticket, ticket.attempt, Some(why)).await?;
            }
        }
        if ticket.acker.ack(BasicAckOptions::default()).await.map_err(broken)? {
            Ok(())
        } else {
            Err(Broken::new("the channel of a delivery is closed"))
        }
    }
}

impl source::Acknowledger for Acknowledger {
    type AckToken = AckToken;

    async fn settle(&self, ticket: AckToken, settlement: Settlement) -> Result<(), Broken> {
        within("settle a message", self.told(ticket, settlement)).await
    }
}
