//! Reading a value and its life in one step: both must be of one value.

use crate::store::contract::Entry;
use crate::store::redis::connections::RedisConnections;
use ::redis::{RedisResult, Script, pipe};
use std::time::Duration;

/// A way to read that every server knows, also in mid-move of a slot.
pub(super) fn script() -> Script {
    Script::new(include_str!("read.lua"))
}

/// Reads what is under this name, if anything is.
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
    // A key without an end is none of ours; it counts as at its end.
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    Ok(value.map(|value| Entry::new(value, left)))
}
