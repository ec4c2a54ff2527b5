//! A thread of a store's own, with its runtime.
//!
//! A worker of actix-web is a runtime of one thread. A connection that lives there is stuck as long as
//! a handler blocks that worker, and all who wait for the connection are stuck with it.

use crate::error::{StoreError, StoreErrorKind};
use std::convert::Infallible;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;

/// The thread and its runtime. They end with the last clone, and drop the work that still runs there.
#[derive(Clone, Debug)]
pub(in crate::store) struct OwnThread {
    runtime: Handle,
    /// Nothing is sent through it: that the last one is gone is the message.
    _alive: mpsc::Sender<Infallible>,
}

impl OwnThread {
    /// Starts a thread of this name.
    pub(in crate::store) fn start(name: &'static str) -> Result<Self, StoreError> {
        let no_thread =
            |error| StoreError::new(StoreErrorKind::Unavailable, "connect").because(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (alive, mut gone) = mpsc::channel(1);
        let until_gone = move || runtime.block_on(async { while gone.recv().await.is_some() {} });
        thread::Builder::new().name(name.to_owned()).spawn(until_gone).map_err(no_thread)?;
        Ok(Self { runtime: handle, _alive: alive })
    }

    /// Runs some work there, to its end also where the caller is gone.
    pub(in crate::store) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.runtime.spawn(work).await.map_err(|_| thread_ended(operation))
    }

    /// Starts some work there, and keeps the thread until the work ends.
    #[cfg(any(feature = "sqlite", feature = "zookeeper"))]
    pub(in crate::store) fn keep_running(&self, work: impl Future<Output = ()> + Send + 'static) {
        let kept = self.clone();
        self.runtime.spawn(async move {
            work.await;
            drop(kept);
        });
    }
}

/// The error of a thread that ended while its store is in use, as only a panic makes it.
pub(in crate::store) fn thread_ended(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation).because("the store's thread has ended")
}
