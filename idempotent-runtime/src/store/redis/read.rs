//! Reading a value and its life in one step, so that both are of one value.

use crate::store::contract::Entry;
use crate::store::redis::connections::RedisConnections;
use ::redis::{RedisResult, Script, pipe};
use std::time::Duration;

/// A script that reads. It works on every server, and while a slot moves.
pub(super) fn script() -> Script {
    Script::new(include_str!("read.lua"))
}

/// Reads the value under this name, if there is one.
pub(super) async fn read(
    connections: &RedisConnections,
    script: &Script,
    name: &str,
) -> RedisResult<Option<Entry>> {
    let mut connected = connections.get().await?;
    let connection = &mut connected.connection;
    let answer = if connection.is_single() {
        let mut both = pipe();
        both.atomic().cmd("GET").arg(name).cmd("PTTL").arg(name);
        both.query_async(connection).await
    } else {
        // A cluster aborts a transaction while the slot of its key is moving.
        script.key(name).invoke_async(connection).await
    };
    let (value, left): (Option<Vec<u8>>, i64) = connected.check(answer)?;
    // A key without an end is not of this store; it counts as ended.
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    Ok(value.map(|value| Entry::new(value, left)))
}
