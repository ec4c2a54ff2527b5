//! A runtime of a backend's own, on a thread of its own.
//!
//! A worker of actix-web is a runtime of one thread. A connection that lives there is stuck as long as
//! a handler blocks that worker, and with it everybody who waits for the connection.

use crate::error::{StoreError, StoreErrorKind};
use std::convert::Infallible;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;

/// The thread and its runtime, which end with the last clone; what runs there then is dropped.
#[derive(Clone, Debug)]
pub(in crate::store) struct OwnThread {
    runtime: Handle,
    /// Never used: that it is gone is the message.
    _alive: mpsc::Sender<Infallible>,
}

impl OwnThread {
    /// Starts a thread of this name.
    pub(in crate::store) fn start(name: &'static str) -> Result<Self, StoreError> {
        let no_thread =
            |error| StoreError::new(StoreErrorKind::Unavailable, "connect").because(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let own = runtime.handle().clone();
        let (alive, mut gone) = mpsc::channel(1);
        let until_gone = move || runtime.block_on(async { while gone.recv().await.is_some() {} });
        thread::Builder::new().name(name.to_owned()).spawn(until_gone).map_err(no_thread)?;
        Ok(Self { runtime: own, _alive: alive })
    }

    /// Carries something out there, to its end even if nobody waits for it any more.
    pub(in crate::store) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.runtime.spawn(work).await.map_err(|_| gone(operation))
    }

    /// Has something run there, which keeps the thread until it ends.
    #[cfg(any(feature = "sqlite", feature = "zookeeper"))]
    pub(in crate::store) fn keep_running(&self, work: impl Future<Output = ()> + Send + 'static) {
        let kept = self.clone();
        self.runtime.spawn(async move {
            work.await;
            drop(kept);
        });
    }
}

/// The store's thread has ended, which it does only by a panic while the store is in use.
pub(in crate::store) fn gone(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation).because("the store's thread has ended")
}
