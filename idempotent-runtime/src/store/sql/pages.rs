//! A look through the table of records, in the order of its keys.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::browse::{Cursor, PageFilter, PageRequest};
use crate::store::contract::{Entry, Page};
use std::time::Duration;

/// How many keys a page goes past at most, whatever the filter lets through.
const SPAN: u32 = 1000;

/// How many values one statement gives at most: a few at first, since each may have megabytes, and twice as many
/// after a batch that was small.
const FIRST_BATCH: u32 = 4;
const LARGEST_BATCH: u32 = 32;
const SMALL: usize = 64 << 10;

/// After how many bytes of values a page is full.
const FULL: usize = 4 << 20;

/// Greater than every key.
const END: [u8; 33] = [u8::MAX; 33];

/// The part of a page that one statement looks for: the first keys after one, and up to another.
#[derive(Debug)]
pub(crate) struct KeyRange<'a> {
    pub(crate) after: Vec<u8>,
    pub(crate) until: &'a [u8],
    pub(crate) filter: &'a PageFilter,
    pub(crate) limit: u32,
}

/// A row that is alive: its key, its value, and how many milliseconds it has left.
pub(crate) type LiveRow = (Vec<u8>, Vec<u8>, i64);

/// The table of records, as one connection lists it.
pub(crate) trait KeyOrder: Send {
    /// The key that is the `nth` after this one, alive or over; the first has the number 0.
    fn nth_key(
        &mut self,
        after: &[u8],
        nth: u32,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, sqlx::Error>> + Send;

    /// The rows of a range that are alive and pass the filter, in the order of their keys.
    fn rows(
        &mut self,
        range: &KeyRange<'_>,
    ) -> impl Future<Output = Result<Vec<LiveRow>, sqlx::Error>> + Send;
}

/// A page to look for in a table.
#[derive(Clone, Debug)]
pub(crate) struct TablePage {
    /// The key before the first one; empty is before all.
    after: Vec<u8>,
    limit: u32,
    filter: PageFilter,
}

impl TablePage {
    /// The page that was asked for, unless its cursor is another's.
    pub(crate) fn asked(request: &PageRequest) -> Result<Self, StoreError> {
        let after = match &request.after {
            Some(cursor) => read(cursor).ok_or_else(|| cursor.is_foreign())?.as_bytes().to_vec(),
            None => Vec::new(),
        };
        Ok(Self { after, limit: request.limit.max(1), filter: request.filter.clone() })
    }

    /// Looks for it. Each statement is short work and a moment of its own.
    pub(crate) async fn of(self, table: &mut impl KeyOrder) -> Result<Page, sqlx::Error> {
        let Self { mut after, limit, filter } = self;
        let last = table.nth_key(&after, SPAN - 1).await?;
        let (mut page, mut bytes, mut batch) = (Page::default(), 0, FIRST_BATCH);
        loop {
            let left = limit.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(limit));
            if left == 0 || bytes >= FULL {
                page.next = Some(cursor(&key(&after)?));
                return Ok(page);
            }
            let until = last.as_deref().unwrap_or(&END);
            let range = KeyRange { after, until, filter: &filter, limit: left.min(batch) };
            let rows = table.rows(&range).await?;
            after = range.after;
            let is_all = rows.len() < range.limit as usize;
            let size: usize = rows.iter().map(|(_, value, _)| value.len()).sum();
            bytes += size;
            batch = if size < SMALL { (batch * 2).min(LARGEST_BATCH) } else { FIRST_BATCH };
            for (row, value, left) in rows {
                let left = Duration::from_millis(left.unsigned_abs());
                page.entries.push((key(&row)?, Entry::new(value, left)));
                after = row;
            }
            if is_all {
                page.next = last.map(|last| key(&last)).transpose()?.as_ref().map(cursor);
                return Ok(page);
            }
        }
    }
}

fn key(bytes: &[u8]) -> Result<StorageKey, sqlx::Error> {
    let bytes = bytes.try_into().map(StorageKey::from_bytes);
    bytes.map_err(|_| sqlx::Error::Decode("a row whose key is none of ours".into()))
}

fn cursor(key: &StorageKey) -> Cursor {
    Cursor::new(format!("key.{key}"))
}

fn read(cursor: &Cursor) -> Option<StorageKey> {
    cursor.as_str().strip_prefix("key.")?.parse().ok()
}
