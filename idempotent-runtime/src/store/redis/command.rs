//! Commands about one record, and their replies.

use crate::store::life::life_millis;
use bytes::Bytes;
use redis::{Cmd, ErrorKind, RedisResult, Value};
use std::time::Duration;

/// The most characters that a life in milliseconds can have.
const LONGEST_LIFE: usize = 20;

/// A command of these words and a life. Its memory is allocated once.
pub(super) fn with_life<const N: usize>(words: [&[u8]; N], life: Duration) -> Cmd {
    let bytes: usize = words.iter().map(|word| word.len()).sum();
    let mut command = Cmd::with_capacity(N + 1, bytes + LONGEST_LIFE);
    for word in words {
        command.arg(word);
    }
    command.arg(life_millis(life));
    command
}

/// The string of a reply to `GET`, if there is one.
pub(super) fn string(value: Value) -> RedisResult<Option<Bytes>> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::Nil => Ok(None),
        // `OK` would mean that the server ignored `GET`. Every command of this store needs its answer.
        _ => Err((ErrorKind::UnexpectedReturnType, "neither a string nor nothing").into()),
    }
}
