//! A delivered message, read for its handler.

use crate::clock::{Clock, SystemClock};
use crate::message::consume::amqp::acknowledger::{AmqpAckToken, AmqpAcknowledger};
use crate::message::consume::amqp::properties::{ATTEMPTS, DEADLINE, RETURNS, deadline_of};
use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::Delivery;
use bytes::Bytes;
use lapin::types::{AMQPValue, FieldTable};
use std::collections::BTreeMap;
use std::time::Duration;

/// A message as the driver takes it.
pub(super) fn delivery_of(
    delivered: lapin::message::Delivery,
    acknowledger: &AmqpAcknowledger,
) -> Delivery {
    let lapin::message::Delivery { properties, data, acker, redelivered, .. } = delivered;
    let payload = Bytes::from(data);
    let headers = properties.headers();
    let count = |name| headers.as_ref().and_then(|headers| count_of(headers.inner().get(name)?));
    let (attempts, returns) = (count(ATTEMPTS).unwrap_or(0), count(RETURNS));
    let attempt = attempts.saturating_add(returns.unwrap_or(0)).saturating_add(1);
    let deadline = headers.as_ref().and_then(|headers| integer(headers.inner().get(DEADLINE)?));
    let deadline = deadline
        .and_then(|written| u64::try_from(written).ok().map(Duration::from_millis))
        .or_else(|| deadline_of(&properties, SystemClock::new().wall()));
    let readable = headers.as_ref().map(readable_headers).unwrap_or_default();
    let incoming = Incoming::new(payload.clone()).with_headers(readable).with_attempt(attempt);
    let incoming = match properties.message_id() {
        Some(id) => incoming.with_id(id.as_str()),
        None => incoming,
    };
    // This queue does not count redeliveries: the attempt is written down before there is another, or a
    // message that kills its consumers would do so for ever.
    let uncounted = redelivered && returns.is_none();
    let gone = || Failure::later("the consumer that had it went away");
    let incoming = if uncounted { Err(gone()) } else { Ok(incoming) };
    let acknowledger = acknowledger.clone();
    let ack_token = AmqpAckToken { acknowledger, acker, properties, payload, attempt, deadline };
    Delivery { ack_token: Box::new(ack_token), attempt, deadline, incoming }
}

/// The headers that are text or numbers.
fn readable_headers(headers: &FieldTable) -> BTreeMap<String, String> {
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Boolean(value) => Some(value.to_string()),
        AMQPValue::Double(value) => Some(value.to_string()),
        other => integer(other).map(|number| number.to_string()),
    };
    let readable =
        headers.into_iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
    readable.collect()
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(number) => Some(number.into()),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        AMQPValue::ShortInt(number) => Some(number.into()),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::LongInt(number) => Some(number.into()),
        AMQPValue::LongUInt(number) => Some(number.into()),
        AMQPValue::LongLongInt(number) => Some(number),
        _ => None,
    }
}

/// A count that is not negative: anybody may send one that is.
fn count_of(value: &AMQPValue) -> Option<u32> {
    integer(value).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
