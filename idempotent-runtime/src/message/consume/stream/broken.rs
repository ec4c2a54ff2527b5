//! Turns an error of the client library into the end of a connection.

use crate::message::consume::source::BrokenConnection;
use ::redis::{ErrorKind, RedisError};

/// Errors that the server would return again.
const REFUSED: [&str; 4] = ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"];

impl From<RedisError> for BrokenConnection {
    fn from(error: RedisError) -> Self {
        let refused = error.kind() == ErrorKind::AuthenticationFailed
            || error.code().is_some_and(|code| REFUSED.contains(&code));
        Self { refused, ..Self::new(error) }
    }
}
