//! Publishes a message into a queue.

use crate::clock::jittered;
use crate::message::consume::source::BrokenConnection;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation};
use std::time::Duration;

/// The pause before a message is published again into a queue that refused it.
const REFUSED: Duration = Duration::from_millis(50);

/// Publishes a message into a queue, and waits until the broker has confirmed it.
pub(super) async fn publish(
    channel: &Channel,
    queue: &str,
    payload: &[u8],
    properties: BasicProperties,
) -> Result<(), BrokenConnection> {
    // The broker returns the message if there is no such queue.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    loop {
        let (to, properties) = (queue.into(), properties.clone());
        let sent = channel.basic_publish("".into(), to, options, payload, properties);
        match sent.await?.await? {
            Confirmation::Ack(None) => return Ok(()),
            // A queue that elects its leader takes no message now, but will soon.
            Confirmation::Nack(None) => tokio::time::sleep(jittered(REFUSED)).await,
            _ => return Err(BrokenConnection::new(format!("there is no queue `{queue}`"))),
        }
    }
}
