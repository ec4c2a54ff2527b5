//! A listing of the keys of a server, or of all masters of a cluster, by `SCAN`.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::{Cursor, PageRequest};
use crate::store::contract::{Entry, Page};
use crate::store::record::Summary;
use crate::store::redis::connections::RedisConnections;
use crate::store::redis::masters::Masters;
use crate::store::redis::names::Names;
use crate::store::redis::read::read;
use ::redis::{RedisResult, Script, cmd, from_redis_value};
use futures_util::{StreamExt, TryStreamExt, stream};

/// The most values of a page, and the number of their bytes after which it is full.
const MOST: usize = 128;
const FULL: usize = 4 << 20;

/// The number of keys that the server shall look at for one answer. All of this store's are on the page. If
/// few of the server's keys are of this store, the step grows.
const STEP: usize = 16;
const LONGEST_STEP: usize = 512;

/// The number of keys that are looked at for a page, those of other applications included.
const SPAN: usize = 2048;

/// The number of values that are read at once: each may have megabytes, and must arrive within the client's deadline.
const AT_ONCE: usize = 4;

/// The place of a listing: it has seen the masters before this one, and in this one the keys before its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanPlace {
    /// The masters and their slots when the listing began. If they have changed, it begins again: a cursor of one
    /// server has no meaning on another, nor on the same one after a restart.
    layout: u32,
    master: usize,
    cursor: u64,
}

impl ScanPlace {
    /// The place that a request names; `None` at the beginning. A cursor of another store is an error.
    pub(super) fn asked(request: &PageRequest) -> Result<Option<Self>, StoreError> {
        let place = |cursor: &Cursor| Self::read(cursor).ok_or_else(|| cursor.is_foreign());
        request.after.as_ref().map(place).transpose()
    }

    fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.as_str().strip_prefix("redis.")?.split('.');
        let (layout, master, place) = (parts.next()?, parts.next()?, parts.next()?);
        let place = Self {
            layout: u32::from_str_radix(layout, 16).ok()?,
            master: master.parse().ok()?,
            cursor: place.parse().ok()?,
        };
        // Each place has only one spelling.
        (place.write() == *cursor).then_some(place)
    }

    fn write(self) -> Cursor {
        let Self { layout, master, cursor } = self;
        Cursor::new(format!("redis.{layout:08x}.{master}.{cursor}"))
    }
}

/// The keys of one store, on the servers that have them.
#[derive(Clone, Copy)]
pub(super) struct Keyspace<'a> {
    pub(super) connections: &'a RedisConnections,
    pub(super) names: &'a Names,
    pub(super) read: &'a Script,
}

impl Keyspace<'_> {
    /// A page of the values after a place.
    pub(super) async fn page(
        self,
        request: &PageRequest,
        place: Option<ScanPlace>,
    ) -> RedisResult<Page> {
        let masters = self.masters().await?;
        let start = ScanPlace { layout: masters.layout, master: 0, cursor: 0 };
        let mut place = place.filter(|place| place.layout == masters.layout).unwrap_or(start);
        let limit = (request.limit.max(1) as usize).min(MOST);
        let (mut page, mut bytes, mut passed, mut wider) = (Page::default(), 0, 0, 1);
        while let Some(master) = masters.addresses.get(place.master) {
            if page.entries.len() >= limit || bytes >= FULL || passed >= SPAN {
                page.next = Some(place.write());
                break;
            }
            let count = STEP.min(limit - page.entries.len()) * wider;
            let count = count.min(LONGEST_STEP);
            let (cursor, keys) = self.scan(master, place.cursor, count).await?;
            passed += count;
            // Few of the server's keys are of this store, so the next step is larger.
            wider = if keys.is_empty() { (wider * 2).min(LONGEST_STEP) } else { 1 };
            place = match cursor {
                0 => ScanPlace { master: place.master + 1, cursor: 0, ..place },
                cursor => ScanPlace { cursor, ..place },
            };
            for (key, entry) in self.entries(keys).await? {
                if Summary::of(&entry.value).passes(&request.filter) {
                    bytes += entry.value.len();
                    page.entries.push((key, entry));
                }
            }
        }
        Ok(page)
    }

    async fn masters(self) -> RedisResult<Masters> {
        let mut connected = self.connections.get().await?;
        let masters = Masters::of(&mut connected.connection).await;
        connected.check(masters)
    }

    /// Some keys of this store on a master, and the cursor after them.
    async fn scan(
        self,
        master: &str,
        cursor: u64,
        count: usize,
    ) -> RedisResult<(u64, Vec<StorageKey>)> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(self.names.pattern()).arg("COUNT").arg(count);
        scan.arg("TYPE").arg("string");
        let mut connected = self.connections.get().await?;
        let answer = connected.connection.query_master(master, &scan).await;
        let (cursor, names): (u64, Vec<Vec<u8>>) = from_redis_value(connected.check(answer)?)?;
        let mut keys: Vec<_> = names.iter().filter_map(|name| self.names.key(name)).collect();
        // While the server's table grows or shrinks, it may give a name twice.
        keys.sort_unstable();
        keys.dedup();
        Ok((cursor, keys))
    }

    /// The values under these keys, without those that ended or were replaced by something else meanwhile.
    async fn entries(self, keys: Vec<StorageKey>) -> RedisResult<Vec<(StorageKey, Entry)>> {
        let entries = stream::iter(keys).map(|key| async move {
            match read(self.connections, self.read, &self.names.of(&key)).await {
                Ok(entry) => Ok(entry.map(|entry| (key, entry))),
                Err(error) if error.code() == Some("WRONGTYPE") => Ok(None),
                Err(error) => Err(error),
            }
        });
        entries.buffered(AT_ONCE).try_filter_map(async |entry| Ok(entry)).try_collect().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = ScanPlace { layout: 0xbad, master: 2, cursor: u64::MAX };
        assert_eq!(ScanPlace::read(&place.write()), Some(place));
        for text in [
            "redis.bad.2.1",
            "redis.00000bad.2",
            "redis.00000bad.02.1",
            "redis.+0000bad.2.1",
            "redis.00000bad.2.1.1",
            "redis.00000BAD.2.1",
        ] {
            assert_eq!(ScanPlace::read(&Cursor::new(text)), None, "{text}");
        }
    }
}
