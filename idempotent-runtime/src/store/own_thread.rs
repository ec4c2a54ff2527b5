//! A thread with its own runtime, for a store or an engine.
//!
//! A worker of actix-web is a runtime with one thread. A connection on that thread does not move while a
//! handler blocks the worker, and neither do all who wait for the connection.

use crate::clock::jittered;
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "zookeeper"
))]
use crate::error::{StoreError, StoreErrorKind};
use futures_util::FutureExt;
use std::convert::Infallible;
use std::io::Error as IoError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// The pause before work that panicked begins again, jittered: less than a third of the shortest lease.
const AGAIN: Duration = Duration::from_millis(10);

/// A thread and its runtime. They end with the last clone, and drop the work that still runs there.
///
/// Nothing else ends them: a panic is logged, and the thread goes on.
#[derive(Clone, Debug)]
pub(crate) struct OwnThread {
    runtime: Handle,
    /// Nothing is sent through this channel. The thread ends when the last sender is dropped.
    _alive: mpsc::Sender<Infallible>,
}

impl OwnThread {
    /// Starts a thread of this name.
    pub(crate) fn start(name: &'static str) -> Result<Self, IoError> {
        let (alive, gone) = mpsc::channel(1);
        let (tell, started) = std_mpsc::channel();
        // The runtime is made on its thread, because it must not be dropped here, where a caller may be in
        // another runtime.
        let until_gone = move || match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                if tell.send(Ok(runtime.handle().clone())).is_ok() {
                    drive(&runtime, name, gone);
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        };
        thread::Builder::new().name(name.to_owned()).spawn(until_gone)?;
        let runtime = started.recv().map_err(IoError::other)??;
        Ok(Self { runtime, _alive: alive })
    }

    /// Runs work there, to its end even if the caller goes away.
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql", feature = "zookeeper"))]
    pub(in crate::store) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.runtime.spawn(work).await.map_err(|_| thread_ended(operation))
    }

    /// Starts work there that nobody waits for.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Starts work there, and keeps the thread until the work ends.
    #[cfg(any(feature = "sqlite", feature = "zookeeper"))]
    pub(in crate::store) fn keep_running(&self, work: impl Future<Output = ()> + Send + 'static) {
        let kept = self.clone();
        self.spawn(async move {
            work.await;
            drop(kept);
        });
    }
}

/// Drives the work of a runtime until the last handle of its thread is dropped.
fn drive(runtime: &Runtime, name: &'static str, mut gone: mpsc::Receiver<Infallible>) {
    let mut until_gone = || runtime.block_on(async { while gone.recv().await.is_some() {} });
    while catch_unwind(AssertUnwindSafe(&mut until_gone)).is_err() {
        tracing::error!(name, "a thread panicked, and goes on");
    }
}

/// Does work until it ends by itself. After a panic, which is logged, the work begins again.
pub(crate) async fn lasting<F: Future<Output = ()>>(
    name: &'static str,
    mut work: impl FnMut() -> F,
) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        tracing::error!(name, "background work panicked, and begins again");
        sleep(jittered(AGAIN)).await;
    }
}

/// The error of a store whose thread could not be started.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql", feature = "zookeeper"))]
pub(in crate::store) fn not_started(error: IoError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "connect").because(error)
}

/// The error if work ended with a panic while its store is in use.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql", feature = "zookeeper"))]
pub(in crate::store) fn thread_ended(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation).because("the store's thread has ended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    /// Lasting work goes on after a panic in a store, or in the app's own logging.
    #[tokio::test]
    async fn lasting_work_that_panics_begins_again_on_its_thread() {
        let thread = OwnThread::start("idempotency-test").unwrap();
        let (tell, third) = oneshot::channel();
        let (mut tell, mut times) = (Some(tell), 0);
        thread.spawn(lasting("test", move || {
            times += 1;
            let tell = tell.take_if(|_| times == 3);
            async move { tell.expect("it is the third time").send(()).expect("the test waits") }
        }));
        third.await.expect("it begins a third time");
    }

    /// Processes may panic at one moment, of what one server answers them.
    #[tokio::test(start_paused = true)]
    async fn the_pauses_before_it_begins_again_differ() {
        let mut began = Vec::new();
        lasting("test", || {
            began.push(Instant::now());
            let is_last = began.len() > 16;
            async move { assert!(is_last, "as the test asked") }
        })
        .await;
        let pauses: HashSet<_> = began.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(pauses.len() > 1, "{pauses:?}");
    }
}
