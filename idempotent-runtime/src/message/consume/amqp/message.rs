//! What stands beside a payload: what handlers read of it, and what is written when it is sent on.

use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::Taken;
use bytes::Bytes;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, BasicProperties};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many attempts a message has behind it.
pub(super) const ATTEMPTS: &str = "idempotency-attempts";

/// How often a quorum queue got a message back from a consumer that died.
const RETURNS: &str = "x-delivery-count";

/// What the broker writes, and would not write anew.
const OF_THE_BROKER: [&str; 2] = [RETURNS, "x-death"];

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// What a message is settled by.
#[derive(Debug)]
pub struct AckToken {
    pub(super) acker: Acker,
    pub(super) properties: BasicProperties,
    pub(super) payload: Bytes,
    pub(super) attempt: u32,
}

pub(super) fn taken(delivery: Delivery) -> Taken<AckToken> {
    let Delivery { properties, data, acker, redelivered, .. } = delivery;
    let payload = Bytes::from(data);
    let headers = properties.headers();
    let count = |name| headers.as_ref().and_then(|headers| number(headers.inner().get(name)?));
    let (attempts, returns) = (count(ATTEMPTS).unwrap_or(0), count(RETURNS));
    let attempt = attempts.saturating_add(returns.unwrap_or(0)).saturating_add(1);
    let incoming = Incoming {
        id: properties.message_id().as_ref().map(|id| id.as_str().into()),
        payload: payload.clone(),
        headers: Arc::new(headers.as_ref().map(readable).unwrap_or_default()),
        attempt,
    };
    // A queue that does not count what comes back: the attempt is written down before there is another,
    // or a message that kills its consumers would do so for ever.
    let uncounted = redelivered && returns.is_none();
    let gone = || Failure::later("the consumer that had it went away");
    let incoming = if uncounted { Err(gone()) } else { Ok(incoming) };
    Taken { ticket: AckToken { acker, properties, payload, attempt }, attempt, incoming }
}

/// The properties with which a message is sent on.
///
/// Not those that a broker judges: another user's name, which it refuses, and the time after which
/// the message would end.
pub(super) fn sent_on(
    of: &BasicProperties,
    attempts: u32,
    reason: Option<String>,
) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in of.headers().iter().flatten() {
        let own =
            OF_THE_BROKER.contains(&name.as_str()) || name.as_str().starts_with("x-first-death-");
        if !own {
            headers.insert(name.clone(), value.clone());
        }
    }
    headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(attempts.into()));
    if let Some(reason) = reason {
        headers.insert("idempotency-reason".into(), AMQPValue::LongString(reason.into()));
    }
    let mut new = BasicProperties::default().with_headers(headers).with_delivery_mode(PERSISTENT);
    macro_rules! keep {
        ($($get:ident $set:ident;)*) => {
            $(
                if let Some(value) = of.$get() {
                    new = new.$set(value.clone());
                }
            )*
        };
    }
    keep! {
        content_type with_content_type;
        content_encoding with_content_encoding;
        priority with_priority;
        correlation_id with_correlation_id;
        reply_to with_reply_to;
        message_id with_message_id;
        timestamp with_timestamp;
        kind with_type;
        app_id with_app_id;
    }
    new
}

/// Headers that are text or numbers.
fn readable(headers: &FieldTable) -> BTreeMap<String, String> {
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

/// A count; one that is none, as anybody may send it, is 0.
fn number(value: &AMQPValue) -> Option<u32> {
    integer(value).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
