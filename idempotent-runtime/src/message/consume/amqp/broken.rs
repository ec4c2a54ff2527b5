//! Turns an error of the client library into the end of a connection.

use crate::message::consume::source::BrokenConnection;
use lapin::{Error, ErrorKind};

/// Access refused, and a queue that exists with other settings: the broker would refuse again.
const REFUSED: [u16; 2] = [403, 406];

impl From<Error> for BrokenConnection {
    fn from(error: Error) -> Self {
        let refused = match error.kind() {
            ErrorKind::ProtocolError(error) => REFUSED.contains(&error.get_id()),
            _ => false,
        };
        Self { refused, ..Self::new(error) }
    }
}
