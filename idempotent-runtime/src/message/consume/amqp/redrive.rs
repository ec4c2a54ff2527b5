//! Puts dead letters back into their queue.

use crate::clock::{Clock, SystemClock};
use crate::message::consume::amqp::broker::Broker;
use crate::message::consume::amqp::headers::{headers_to_begin_anew, history_of};
use crate::message::consume::amqp::properties::properties_to_republish;
use crate::message::consume::amqp::publish::publish;
use crate::message::consume::amqp::queues::Queues;
use crate::message::consume::source::{BrokenConnection, within_patience};
use crate::store::own_thread::OwnThread;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicGetOptions, ConfirmSelectOptions};

/// Puts at most this many dead letters back, the oldest first, and returns their number.
pub(super) async fn redrive(
    broker: &Broker,
    thread: &OwnThread,
    queues: &Queues,
    at_most: usize,
) -> Result<usize, BrokenConnection> {
    let connection = broker.connect(thread).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    queues.declare(&channel).await?;
    let mut moved = 0;
    while moved < at_most && within_patience("redrive", redrive_one(&channel, queues)).await? {
        moved += 1;
    }
    // Everything that was moved is confirmed and acknowledged by now.
    let _ = connection.close(200, "".into()).await;
    Ok(moved)
}

/// Puts one dead letter back. It is in its queue before it leaves the dead letters, so after a failure it may
/// be in both.
async fn redrive_one(channel: &Channel, queues: &Queues) -> Result<bool, BrokenConnection> {
    let got = channel.basic_get(queues.dead.as_str().into(), BasicGetOptions::default()).await?;
    let Some(got) = got else { return Ok(false) };
    let lapin::message::Delivery { properties, data, acker, .. } = got.delivery;
    let deadline = history_of(&properties, SystemClock::new().wall()).deadline;
    let headers = headers_to_begin_anew(&properties, deadline);
    let properties = properties_to_republish(&properties, headers);
    publish(channel, &queues.queue, &data, properties).await?;
    acker.ack(BasicAckOptions::default()).await?;
    Ok(true)
}
