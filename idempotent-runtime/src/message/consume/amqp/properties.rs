//! The properties of a message that is published again.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

/// The header that counts the attempts that a message has behind it.
pub(super) const ATTEMPTS: &str = "idempotency-attempts";

/// The header by which a quorum queue counts the deliveries that came back from a consumer that died.
pub(super) const RETURNS: &str = "x-delivery-count";

/// Headers that the broker writes, and would not write into a message that has them.
const OF_THE_BROKER: [&str; 2] = [RETURNS, "x-death"];

/// The delivery mode of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// The properties with which a message is published again.
///
/// Two are left out: the name of its user, which the broker would refuse, and its expiration.
pub(super) fn properties_to_republish(
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
