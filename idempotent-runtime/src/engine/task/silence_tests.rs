//! The index while the store does not answer.

use crate::clock::SystemClock;
use crate::engine::Engine;
use crate::engine::task::index::Index;
use crate::engine::task::limits::{TaskLimits, TaskScope};
use crate::key::{Namespace, StorageKey};
use crate::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMITS: TaskLimits = TaskLimits { total: 4096, of_scope: 256 };

/// A store that never answers.
#[derive(Clone, Debug, Default)]
struct Silent {
    asked: Arc<AtomicUsize>,
}

impl Silent {
    fn ask<T: Send + 'static>(&self) -> StoreFuture<'_, T> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        StoreFuture::new(std::future::pending())
    }
}

impl Store for Silent {
    fn create<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.ask()
    }

    fn swap<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.ask()
    }

    fn read<'a>(&'a self, _: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.ask()
    }

    fn purge(&self, _: u32) -> StoreFuture<'_, u32> {
        self.ask()
    }

    fn describe(&self) -> String {
        "silent".to_owned()
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn browse<'a>(&'a self, _: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        None
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn adopt(&self, _: &StoreSettings) {}
}

/// Invariant L9.
#[tokio::test]
async fn while_the_store_is_silent_a_task_does_not_wait_for_all_before_it() {
    let (store, index) = (Silent::default(), Index::new(&Namespace::default(), LIMITS));
    let patience = Duration::from_millis(100);
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(SystemClock::new()), patience);
    let task = |number: u8| {
        let mut bytes = [number; 32];
        bytes[0] = 0;
        StorageKey::from_bytes(bytes)
    };
    let add = |number| {
        let (index, engine) = (&index, &engine);
        async move { index.add(engine, &task(number), TaskScope::SHARED, patience).await }
    };
    let looked = async {
        let looked = index.is_full(&engine, TaskScope::SHARED).now_or_never();
        assert!(matches!(looked, Some(Ok(false))), "it changes nothing, and needs no turn");
    };
    let (added, ()) = join(join_all((0..50).map(add)), looked).await;
    assert!(added.iter().all(Result::is_err));
    let asked = store.asked.load(Ordering::SeqCst);
    assert!(asked < 5, "{asked} took their turns, one after another");
}
