//! Makes a delivery for the driver from a message.

use crate::clock::{Clock, SystemClock};
use crate::message::consume::amqp::acknowledger::{AmqpAckToken, AmqpAcknowledger};
use crate::message::consume::amqp::headers::{history_of, is_dead_letter, readable_headers};
use crate::message::consume::amqp::outstanding::name_of;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::{Arrival, Delivery};
use crate::message::delivered::DeliveredCalls;
use bytes::Bytes;
use std::sync::Arc;

/// The delivery of a message.
pub(super) fn delivery_of(
    delivered: lapin::message::Delivery,
    acknowledger: &AmqpAcknowledger,
) -> Delivery {
    let lapin::message::Delivery { properties, data, acker, redelivered, .. } = delivered;
    let payload = Bytes::from(data);
    let name = name_of(&properties, &payload);
    let mut history = history_of(&properties, SystemClock::new().wall());
    let mut arrival = Arrival::Delivered;
    if is_dead_letter(&properties) {
        arrival = Arrival::PutBack;
    } else if redelivered {
        match acknowledger.taken_before(name) {
            // This process had the message before and lost only its connection. If the last look had begun,
            // the message counts as orphaned.
            Some(calls) if history.given_up.is_none() => history.claimed |= calls.has_claimed(),
            Some(_) => arrival = Arrival::Orphaned,
            None => (history, arrival) = (history.died(), Arrival::Orphaned),
        }
    }
    let calls = Arc::new(DeliveredCalls::new(history.given_up.is_some()));
    let readable = properties.headers().as_ref().map(readable_headers).unwrap_or_default();
    let incoming = Incoming::new(payload.clone()).with_headers(readable);
    let incoming = match properties.message_id() {
        Some(id) => incoming.with_id(id.as_str()),
        None => incoming,
    };
    let acknowledger = acknowledger.clone();
    acknowledger.took(name, &calls);
    let token =
        AmqpAckToken { acknowledger, acker, properties, payload, name, history: history.clone() };
    Delivery { ack_token: Box::new(token), history, arrival, calls, incoming: Ok(incoming) }
}
