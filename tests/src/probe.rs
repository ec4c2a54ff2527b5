//! A store that a test can watch and break.

use crate::Gate;
use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::store::record::{Record, State};
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use idempotent_runtime::store::{StoreError, StoreErrorKind};
use idempotent_runtime::testing::{FaultyStore, LostPart};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Passes every operation on to a real store, counts it, and fails on demand. Clones share everything.
#[derive(Clone, Debug)]
pub struct Probe(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: FaultyStore,
    swaps_to_fail: AtomicUsize,
    swaps_to_panic: AtomicUsize,
    reads_to_panic: AtomicUsize,
    refuses_swaps: AtomicBool,
    refuses_outcomes: AtomicBool,
    swaps_refused: AtomicUsize,
    answers_to_claims: Gate,
    answers_to_reads: Gate,
    exchanges: Gate,
    creates: watch::Sender<usize>,
    operations: AtomicUsize,
    last: Mutex<Option<StorageKey>>,
    used: Mutex<HashSet<StorageKey>>,
}

impl Probe {
    /// Watches this store.
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(Inner {
            store: FaultyStore::new(store),
            swaps_to_fail: AtomicUsize::new(0),
            swaps_to_panic: AtomicUsize::new(0),
            reads_to_panic: AtomicUsize::new(0),
            refuses_swaps: AtomicBool::new(false),
            refuses_outcomes: AtomicBool::new(false),
            swaps_refused: AtomicUsize::new(0),
            answers_to_claims: Gate::default(),
            answers_to_reads: Gate::default(),
            exchanges: Gate::default(),
            creates: watch::Sender::new(0),
            operations: AtomicUsize::new(0),
            last: Mutex::new(None),
            used: Mutex::default(),
        }))
    }

    /// Makes every operation fail from now on as if the backend were gone, or work again.
    pub fn set_down(&self, down: bool) {
        self.0.store.set_down(down);
    }

    /// Lets the next operation be done, and its answer be lost.
    pub fn lose_next_answer(&self) {
        self.0.store.lose_next_answer();
    }

    /// Loses one operation, after this number of others.
    pub fn lose(&self, what: LostPart, after: usize) {
        self.0.store.lose(what, after);
    }

    /// Cancels a loss that has not happened yet.
    pub fn lose_nothing(&self) {
        self.0.store.lose_nothing();
    }

    /// Makes the next exchanges, this many, fail without any effect.
    pub fn fail_next_swaps(&self, many: usize) {
        self.0.swaps_to_fail.store(many, Ordering::SeqCst);
    }

    /// How many exchanges are still to fail.
    pub fn swaps_to_fail(&self) -> usize {
        self.0.swaps_to_fail.load(Ordering::SeqCst)
    }

    /// Makes the next exchanges, this many, panic, as in a careless store of an app.
    pub fn panic_at_swaps(&self, many: usize) {
        self.0.swaps_to_panic.store(many, Ordering::SeqCst);
    }

    /// Makes the next reads, this many, panic.
    pub fn panic_at_reads(&self, many: usize) {
        self.0.reads_to_panic.store(many, Ordering::SeqCst);
    }

    /// How many reads are still to panic.
    pub fn reads_to_panic(&self) -> usize {
        self.0.reads_to_panic.load(Ordering::SeqCst)
    }

    /// Makes the store refuse every exchange from now on, as one without memory does, or none.
    pub fn refuse_swaps(&self, refuse: bool) {
        self.0.refuses_swaps.store(refuse, Ordering::SeqCst);
    }

    /// Makes the store refuse every exchange for an outcome that is not a tombstone, or none.
    pub fn refuse_outcomes(&self, refuse: bool) {
        self.0.refuses_outcomes.store(refuse, Ordering::SeqCst);
    }

    fn refuses(&self, key: &StorageKey, value: &Bytes) -> bool {
        let is_outcome = || {
            let state = Record::decode(key, value).map(|record| record.state);
            matches!(state, Ok(State::Completed(outcome)) if outcome != Outcome::Tombstone)
        };
        self.0.refuses_swaps.load(Ordering::SeqCst)
            || self.0.refuses_outcomes.load(Ordering::SeqCst) && is_outcome()
    }

    /// The number of exchanges that the store refused.
    pub fn swaps_refused(&self) -> usize {
        self.0.swaps_refused.load(Ordering::SeqCst)
    }

    /// The gate for claims that were done and whose answers are on their way.
    pub fn answers_to_claims(&self) -> &Gate {
        &self.0.answers_to_claims
    }

    /// The gate for reads whose answers are on their way.
    pub fn answers_to_reads(&self) -> &Gate {
        &self.0.answers_to_reads
    }

    /// The gate for exchanges before they are done.
    pub fn exchanges(&self) -> &Gate {
        &self.0.exchanges
    }

    /// The number of operations on records that the store was asked for.
    pub fn operations(&self) -> usize {
        self.0.operations.load(Ordering::SeqCst)
    }

    /// How many claims have reached the store.
    pub fn claims(&self) -> usize {
        *self.0.creates.borrow()
    }

    /// Waits until this many claims have reached the store.
    pub async fn claims_reach(&self, many: usize) {
        let mut creates = self.0.creates.subscribe();
        creates.wait_for(|seen| *seen >= many).await.expect("the probe lives");
    }

    /// The record of the key used last.
    pub async fn record(&self) -> Entry {
        let key = self.last();
        self.0.store.inner().read(&key).await.expect("it reads").expect("it is there")
    }

    /// Puts other bytes under the key used last.
    pub async fn corrupt(&self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let key = self.last();
        let Entry { value, left, .. } = self.record().await;
        let changed = Bytes::from(change(value.to_vec()));
        let swapped =
            self.0.store.inner().swap(&key, &value, &changed, left).await.expect("it swaps");
        assert_eq!(swapped, Swap::Done);
    }

    /// The key used last.
    pub fn last(&self) -> StorageKey {
        self.0.last.lock().expect("no panic").expect("a key was used")
    }

    /// The stored values of every key that was ever used.
    pub async fn everything(&self) -> Vec<Bytes> {
        let used = self.0.used.lock().expect("no panic").clone();
        let mut everything = Vec::new();
        for key in used {
            let entry = self.0.store.inner().read(&key).await.expect("it reads");
            everything.extend(entry.map(|entry| entry.value));
        }
        everything
    }

    /// Counts an operation.
    fn count(&self) {
        self.0.operations.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that a key is used.
    fn note(&self, key: &StorageKey) {
        *self.0.last.lock().expect("no panic") = Some(*key);
        self.0.used.lock().expect("no panic").insert(*key);
    }
}

/// Subtracts one, unless it is zero.
fn is_one_of(many: &AtomicUsize) -> bool {
    let one_less = |many: usize| many.checked_sub(1);
    many.try_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
}

impl Store for Probe {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.count();
        StoreFuture::new(async move {
            self.note(key);
            let done = self.0.store.create(key, value, life).await;
            self.0.creates.send_modify(|seen| *seen += 1);
            self.0.answers_to_claims.pass().await;
            done
        })
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.count();
        assert!(!is_one_of(&self.0.swaps_to_panic), "as the test asked");
        if is_one_of(&self.0.swaps_to_fail) {
            let failed = StoreError::new(StoreErrorKind::Unavailable, "swap");
            return StoreFuture::ready(Err(failed));
        }
        if self.refuses(key, value) {
            self.0.swaps_refused.fetch_add(1, Ordering::SeqCst);
            let refused = StoreError::new(StoreErrorKind::Rejected, "swap");
            return StoreFuture::ready(Err(refused));
        }
        StoreFuture::new(async move {
            self.0.exchanges.pass().await;
            self.note(key);
            self.0.store.swap(key, expected, value, life).await
        })
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.count();
        assert!(!is_one_of(&self.0.reads_to_panic), "as the test asked");
        StoreFuture::new(async move {
            self.note(key);
            let done = self.0.store.read(key).await;
            self.0.answers_to_reads.pass().await;
            done
        })
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.0.store.watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        self.0.store.browse(request)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.0.store.purge(limit)
    }

    fn describe(&self) -> String {
        self.0.store.describe()
    }

    fn findings(&self) -> Vec<Finding> {
        self.0.store.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.0.store.adopt(settings);
    }
}
