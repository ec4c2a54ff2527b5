//! The client library's error, as the end of a connection.

use crate::message::consume::source::BrokenConnection;
use ::redis::{ErrorKind, RedisError};

/// Errors that the server would repeat at every try.
const REFUSED: [&str; 4] = ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"];

impl From<RedisError> for BrokenConnection {
    fn from(error: RedisError) -> Self {
        let refused = error.kind() == ErrorKind::AuthenticationFailed
            || error.code().is_some_and(|code| REFUSED.contains(&code));
        Self { refused, ..Self::new(error) }
    }
}
