//! The servers that together have all keys now.

use crate::store::redis::connection::RedisConnection;
use ::redis::aio::ConnectionLike;
use ::redis::{ErrorKind, RedisResult, Value, cmd, from_redis_value};
use std::collections::BTreeSet;

/// The one server, or the masters of a cluster.
pub(super) struct Masters {
    /// The addresses, sorted.
    pub(super) addresses: Vec<String>,
    /// A hash of servers and slots. It changes if a server restarts, another one becomes master, or a slot moves.
    pub(super) layout: u32,
}

impl Masters {
    /// Asks the connection for the masters.
    pub(super) async fn of(connection: &mut RedisConnection) -> RedisResult<Self> {
        let mut info = cmd("INFO");
        info.arg("server");
        let (mut addresses, mut layout) = (Vec::new(), crc32fast::Hasher::new());
        for (address, info) in connection.query_masters(&info).await? {
            let info: String = from_redis_value(info)?;
            let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
            layout.update(format!("{address} {}\n", run.unwrap_or_default().trim()).as_bytes());
            addresses.push(address);
        }
        if !connection.is_single() {
            let mut slots = cmd("CLUSTER");
            let slots = connection.req_packed_command(slots.arg("SLOTS")).await?.extract_error()?;
            let ranges = ranges(slots)?;
            let owners: BTreeSet<_> = ranges.iter().map(|(.., owner)| owner).collect();
            // The client leaves out masters to which it lost the connection.
            if owners.len() != addresses.len() {
                let few = "not every master of the cluster can be asked now";
                return Err((ErrorKind::ClusterConnectionNotFound, few).into());
            }
            layout.update(format!("{ranges:?}").as_bytes());
        }
        Ok(Self { addresses, layout: layout.finalize() })
    }
}

/// The slots and their owners: first, last, and the id of the master.
fn ranges(slots: Value) -> RedisResult<Vec<(u16, u16, String)>> {
    let mut ranges = Vec::new();
    for range in from_redis_value::<Vec<Vec<Value>>>(slots)? {
        // The replicas of this range follow.
        let [first, last, master, ..] = &range[..] else { continue };
        let master: Vec<Value> = from_redis_value(master.clone())?;
        let id = master.into_iter().nth(2).unwrap_or(Value::Nil);
        ranges.push((
            from_redis_value(first.clone())?,
            from_redis_value(last.clone())?,
            from_redis_value(id)?,
        ));
    }
    ranges.sort_unstable();
    Ok(ranges)
}
