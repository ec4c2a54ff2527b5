//! A store whose calls are measured, for metrics and the inspector.

use crate::observe::Counters;
use crate::store::contract::Store;
#[cfg(feature = "_meters")]
use crate::{
    key::StorageKey,
    observe::StoreMeters,
    store::browse::PageRequest,
    store::contract::{Changed, Entry, Page, StoreSettings, Swap},
    store::finding::Finding,
    store::future::StoreFuture,
};
#[cfg(feature = "_meters")]
use bytes::Bytes;
use std::sync::Arc;
#[cfg(feature = "_meters")]
use std::time::Duration;

/// The same store, measured.
#[cfg(feature = "_meters")]
pub(crate) fn metered(store: Arc<dyn Store>, counters: &Counters) -> Arc<dyn Store> {
    Arc::new(MeteredStore { store, meters: Arc::clone(&counters.meters.store) })
}

/// The same store, not measured.
#[cfg(not(feature = "_meters"))]
pub(crate) fn metered(store: Arc<dyn Store>, _: &Counters) -> Arc<dyn Store> {
    store
}

#[cfg(feature = "_meters")]
#[derive(Debug)]
struct MeteredStore {
    store: Arc<dyn Store>,
    meters: Arc<StoreMeters>,
}

#[cfg(feature = "_meters")]
impl Store for MeteredStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.store.create(key, value, life).measured_by(&self.meters.create)
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.store.swap(key, expected, value, life).measured_by(&self.meters.swap)
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.store.read(key).measured_by(&self.meters.read)
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.store.watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        let page = self.store.browse(request)?;
        Some(page.measured_by(&self.meters.browse))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.store.purge(limit).measured_by(&self.meters.purge)
    }

    fn describe(&self) -> String {
        self.store.describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.store.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.store.adopt(settings);
    }

    fn is_near(&self) -> bool {
        self.store.is_near()
    }

    fn longest_silence(&self) -> Option<Duration> {
        self.store.longest_silence()
    }
}
