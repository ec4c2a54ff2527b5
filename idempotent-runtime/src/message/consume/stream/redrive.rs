//! Puts dead letters back into their stream.

use crate::message::consume::history::History;
use crate::message::consume::source::{Arrival, BrokenConnection};
use crate::message::consume::stream::entry::StreamEntry;
use crate::message::consume::stream::group::{NewEntries, StreamSettings};
use crate::store::redis::{Endpoint, RedisConnections};
use ::redis::{cmd, from_redis_value};

/// Puts at most this many dead letters back, the oldest first, and returns their number.
pub(super) async fn redrive(
    settings: &StreamSettings,
    at_most: usize,
) -> Result<usize, BrokenConnection> {
    let connections = RedisConnections::new(Endpoint::of(&settings.url)?);
    let mut read = cmd("XRANGE");
    read.arg(&settings.dead_letters).arg("-").arg("+").arg("COUNT").arg(at_most);
    let dead = connections.send(&read).await?;
    let dead: NewEntries = from_redis_value(dead).map_err(BrokenConnection::new)?;
    let moved = dead.len();
    for (id, fields) in dead {
        let entry = StreamEntry::new(id, History::default(), Arrival::PutBack, fields);
        let mut add = cmd("XADD");
        add.arg(&settings.stream).arg("*");
        for field in entry.begun_anew() {
            add.arg(&field[..]);
        }
        // The entry is in the stream before it leaves the dead letters, so after a failure it may be in both.
        connections.send(&add).await?;
        connections.send(cmd("XDEL").arg(&settings.dead_letters).arg(&entry.id)).await?;
    }
    Ok(moved)
}
