//! A store of your own: implement five operations, and the whole protocol works on it.
//!
//! Run it with `cargo run --example custom_store`; `cargo test --example custom_store` tests it
//! against the contract of stores.

use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{
    Changed, Cursor, Entry, Finding, Page, PageRequest, Store, StoreError, StoreFuture,
    StoreSettings, Swap,
};
use idempotent_runtime::{Idempotency, Scope};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One map under one lock: simple, and correct.
#[derive(Debug, Default)]
struct MapStore {
    values: Mutex<BTreeMap<StorageKey, (Bytes, Instant)>>,
}

impl MapStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<StorageKey, (Bytes, Instant)>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn living(&self, key: &StorageKey) -> Option<(Bytes, Instant)> {
        self.lock().get(key).filter(|(_, ends)| *ends > Instant::now()).cloned()
    }

    /// The next values in the order of their keys. The cursor is the last key that was looked at.
    fn page(&self, request: &PageRequest) -> Result<Page, StoreError> {
        let after = match &request.after {
            Some(cursor) => {
                Excluded(cursor.as_str().parse::<StorageKey>().map_err(|_| cursor.is_foreign())?)
            }
            None => Unbounded,
        };
        let (values, now, limit) = (self.lock(), Instant::now(), request.limit.max(1) as usize);
        let (mut following, mut page) = (values.range((after, Unbounded)), Page::default());
        for (key, (value, ends)) in following.by_ref().take(limit) {
            page.next = Some(Cursor::new(key.to_string()));
            if *ends > now {
                page.entries.push((*key, Entry::new(value.clone(), *ends - now)));
            }
        }
        if following.next().is_none() {
            page.next = None;
        }
        Ok(page)
    }
}

/// When a life ends. A life that is too long for the clock is a hundred years.
fn end(life: Duration) -> Instant {
    Instant::now() + life.min(Duration::from_hours(876_000))
}

impl Store for MapStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        // Looking and putting happen under one lock: this makes them one atomic step.
        let mut values = self.lock();
        let there = values.get(key).filter(|(_, ends)| *ends > Instant::now());
        let there = there.map(|(there, _)| there.clone());
        if there.is_none() {
            values.insert(*key, (value.clone(), end(life)));
        }
        StoreFuture::ready(Ok(there))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        let mut values = self.lock();
        let swap = match values.get_mut(key).filter(|(_, ends)| *ends > Instant::now()) {
            Some(there) if there.0 == *expected => {
                *there = (value.clone(), end(life));
                Swap::Done
            }
            other => Swap::Differs(other.map(|(there, _)| there.clone())),
        };
        StoreFuture::ready(Ok(swap))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        let entry = self
            .living(key)
            .map(|(value, ends)| Entry::new(value, ends.saturating_duration_since(Instant::now())));
        StoreFuture::ready(Ok(entry))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        let mut values = self.lock();
        let over = values.iter().filter(|(_, (_, ends))| *ends <= Instant::now());
        let over: Vec<_> = over.map(|(key, _)| *key).take(limit as usize).collect();
        for key in &over {
            values.remove(key);
        }
        StoreFuture::ready(Ok(u32::try_from(over.len()).unwrap_or(limit)))
    }

    fn describe(&self) -> String {
        "a map".to_owned()
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        // This store cannot report changes: requests that wait look now and then.
        None
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        // A store that cannot list its values answers `None`.
        Some(StoreFuture::ready(self.page(request)))
    }

    fn findings(&self) -> Vec<Finding> {
        // This store has no settings that could be wrong.
        Vec::new()
    }

    fn adopt(&self, _: &StoreSettings) {
        // Every operation is immediate, so no time limit is needed.
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // This program serves no callers. A server names the caller: `Scope::of` with a type of yours.
    let idempotency = Idempotency::builder(MapStore::default()).scope(Scope::shared()).build()?;
    println!("guarded by {}", idempotency.describe_store());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::MapStore;
    use idempotent_runtime::store::conformance::StoreUnderTest;
    use idempotent_runtime::store_conformance;
    use std::sync::Arc;

    store_conformance!(async { StoreUnderTest::in_real_time(Arc::new(MapStore::default())) });
}
