//! The properties of a message that is published again.

use lapin::BasicProperties;
use lapin::types::FieldTable;

/// The delivery mode of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// The properties with which a message is published again. `headers` are its new headers.
///
/// The name of its user is left out, since the broker would refuse it. So is its expiration, which its
/// headers hold as a deadline: otherwise it could expire in a queue before its consumer can give a reason.
pub(super) fn properties_to_republish(
    of: &BasicProperties,
    headers: FieldTable,
) -> BasicProperties {
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
