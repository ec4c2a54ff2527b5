//! A store under test, and its time.

use crate::key::StorageKey;
use crate::store::contract::Store;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Lets time pass for a store.
type Pass = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

pub(super) const LONG: Duration = Duration::from_hours(1);
pub(super) const SHORT: Duration = Duration::from_millis(30);

/// A key that no other test uses, so that suites can share a server.
pub(super) fn fresh() -> StorageKey {
    StorageKey::from_bytes(rand::random())
}

/// A store under test, and the way to let time pass for it.
pub struct StoreUnderTest {
    pub(super) store: Arc<dyn Store>,
    pub(super) pass: Pass,
    /// Resources that must live longer than the store: a server, a directory.
    kept: Option<Box<dyn Any + Send + Sync>>,
}

impl StoreUnderTest {
    /// A store whose clock is that of a server or of this host.
    #[must_use]
    pub fn in_real_time(store: Arc<dyn Store>) -> Self {
        Self { store, pass: Box::new(|time| Box::pin(tokio::time::sleep(time))), kept: None }
    }

    /// A store whose clock the test moves.
    #[must_use]
    pub fn with_clock(store: Arc<dyn Store>, clock: Arc<crate::clock::ManualClock>) -> Self {
        let pass = move |time| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            clock.advance(time);
            Box::pin(std::future::ready(()))
        };
        Self { store, pass: Box::new(pass), kept: None }
    }

    /// Keeps a resource alive as long as the test runs, such as the server of the store.
    #[must_use]
    pub fn keeping(mut self, resource: impl Any + Send + Sync) -> Self {
        self.kept = Some(Box::new(resource));
        self
    }

    /// Creates a value under an unused key.
    pub(super) async fn create(&self, key: &StorageKey, value: &'static str, life: Duration) {
        let there = self.store.create(key, &Bytes::from_static(value.as_bytes()), life).await;
        assert_eq!(there.unwrap(), None, "nothing was there");
    }

    /// Reads the value of a key.
    pub(super) async fn value(&self, key: &StorageKey) -> Option<Bytes> {
        self.store.read(key).await.unwrap().map(|entry| entry.value)
    }
}

impl fmt::Debug for StoreUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreUnderTest").field(&self.store).finish()
    }
}
