//! A store that fails, loses answers or hangs when a test tells it to.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::store::browse::PageRequest;
use crate::store::contract::{Changed, Entry, Page, Store, StoreSettings, Swap};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// The part of an operation that gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostPart {
    /// The request: the operation is not carried out.
    Request,
    /// The answer: the operation is carried out, but the caller gets an error.
    Answer,
}

/// A store that passes every operation to another store, and fails when a test tells it to. Clones share
/// everything.
#[derive(Clone, Debug)]
pub struct FaultyStore(Arc<Faults>);

#[derive(Debug)]
struct Faults {
    store: Box<dyn Store>,
    is_down: AtomicBool,
    hangs: watch::Sender<bool>,
    /// The part that gets lost, and the number of operations before that.
    loss: Mutex<Option<(usize, LostPart)>>,
}

impl FaultyStore {
    /// A store without faults, until a test sets them.
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(Faults {
            store: Box::new(store),
            is_down: AtomicBool::new(false),
            hangs: watch::Sender::new(false),
            loss: Mutex::default(),
        }))
    }

    /// With `true`, every operation fails from now on, as if the backend were gone. With `false`, operations
    /// work again.
    pub fn set_down(&self, down: bool) {
        self.0.is_down.store(down, Ordering::SeqCst);
    }

    /// From now on every operation waits until [`resume`](Self::resume) before it is carried out.
    pub fn hang(&self) {
        self.0.hangs.send_replace(true);
    }

    /// Lets the operations that wait go on, and later ones, too.
    pub fn resume(&self) {
        self.0.hangs.send_replace(false);
    }

    /// The next operation is carried out, and its answer is lost.
    pub fn lose_next_answer(&self) {
        self.lose(LostPart::Answer, 0);
    }

    /// Loses a part of one operation, after this many others.
    pub fn lose(&self, what: LostPart, after: usize) {
        *self.loss() = Some((after, what));
    }

    /// Takes back a loss that has not happened yet.
    pub fn lose_nothing(&self) {
        *self.loss() = None;
    }

    /// The store underneath, without faults.
    #[must_use]
    pub fn inner(&self) -> &dyn Store {
        &*self.0.store
    }

    async fn pass<'a, T>(
        &'a self,
        operation: &'static str,
        work: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T>,
    ) -> Result<T, StoreError> {
        // The sender lives as long as this store.
        let _ = self.0.hangs.subscribe().wait_for(|hangs| !hangs).await;
        if self.0.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, operation));
        }
        match self.take_loss() {
            None => work(self.inner()).await,
            Some(LostPart::Request) => Err(StoreError::new(StoreErrorKind::Timeout, operation)),
            Some(LostPart::Answer) => {
                let _ = work(self.inner()).await;
                Err(StoreError::new(StoreErrorKind::Timeout, operation))
            }
        }
    }

    /// The part that this operation loses, if any.
    fn take_loss(&self) -> Option<LostPart> {
        let mut loss = self.loss();
        let (after, what) = (*loss)?;
        *loss = after.checked_sub(1).map(|after| (after, what));
        (after == 0).then_some(what)
    }

    fn loss(&self) -> MutexGuard<'_, Option<(usize, LostPart)>> {
        self.0.loss.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FaultyStore {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::new(self.pass("create", move |store| store.create(key, value, life)))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        StoreFuture::new(self.pass("swap", move |store| store.swap(key, expected, value, life)))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::new(self.pass("read", move |store| store.read(key)))
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.inner().watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        let page = self.inner().browse(request)?;
        Some(StoreFuture::new(self.pass("browse", move |_| page)))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.inner().purge(limit)
    }

    fn describe(&self) -> String {
        self.inner().describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.inner().findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.inner().adopt(settings);
    }

    fn is_near(&self) -> bool {
        self.inner().is_near()
    }
}
