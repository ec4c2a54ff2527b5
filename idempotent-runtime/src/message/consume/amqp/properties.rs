//! The properties of a message that is published again.

use crate::clock::millis;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use std::time::Duration;

/// The header that counts the attempts that a message has behind it.
pub(super) const ATTEMPTS: &str = "idempotency-attempts";

/// The header by which a quorum queue counts the deliveries that came back from a consumer that died.
pub(super) const RETURNS: &str = "x-delivery-count";

/// The header that holds the end of a message's life, in milliseconds since 1970.
pub(super) const DEADLINE: &str = "idempotency-deadline";

/// Headers that the broker writes, and would not write into a message that has them.
const OF_THE_BROKER: [&str; 2] = [RETURNS, "x-death"];

/// Headers that the broker obeys whenever a message is published, and the names by which they are kept: the
/// message was sent to those queues when its publisher sent it.
const OBEYED: [(&str, &str); 2] = [("CC", "idempotency-cc"), ("BCC", "idempotency-bcc")];

/// The end of a message's life, since 1970: its expiration after its timestamp, or after its first delivery.
///
/// A timestamp has whole seconds, and never ends a life earlier for it; one of the future says nothing.
pub(super) fn deadline_of(of: &BasicProperties, now: Duration) -> Option<Duration> {
    let life = of.expiration().as_ref()?.as_str().parse().ok().map(Duration::from_millis)?;
    let sent = of.timestamp().map(|second| Duration::from_secs(second.saturating_add(1)));
    Some(sent.map_or(now, |sent| sent.min(now)) + life)
}

/// The delivery mode of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// The properties with which a message is published again.
///
/// The name of its user, which the broker would refuse, is left out. Its expiration goes on as a deadline that
/// consumers judge: in a queue the message would be over before its consumer could say why.
pub(super) fn properties_to_republish(
    of: &BasicProperties,
    attempts: u32,
    deadline: Option<Duration>,
    reason: Option<String>,
) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in of.headers().iter().flatten() {
        let own =
            OF_THE_BROKER.contains(&name.as_str()) || name.as_str().starts_with("x-first-death-");
        if !own {
            let kept = OBEYED.iter().find(|(obeyed, _)| *obeyed == name.as_str());
            let name = kept.map_or_else(|| name.clone(), |(_, kept)| (*kept).into());
            headers.insert(name, value.clone());
        }
    }
    if let Some(deadline) = deadline {
        let deadline = i64::try_from(millis(deadline)).unwrap_or(i64::MAX);
        headers.insert(DEADLINE.into(), AMQPValue::LongLongInt(deadline));
    }
    headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(attempts.into()));
    if let Some(reason) = reason {
        headers.insert("idempotency-reason".into(), AMQPValue::LongString(reason.into()));
    }
    let mut new = BasicProperties::default().with_headers(headers).with_delivery_mode(PERSISTENT);
    macro_rules! copy {
        ($($get:ident $set:ident;)*) => {
            $(
                if let Some(value) = of.$get() {
                    new = new.$set(value.clone());
                }
            )*
        };
    }
    copy! {
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
