//! Which runs are under way, so that a process can end after the last of them.

use crate::observe::Level;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::timeout;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Counts runs and closes the door when the process is about to end.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    now: AtomicUsize,
    closed: AtomicBool,
    left: Notify,
    told: Level,
}

/// One run; dropping it is its end.
#[derive(Debug)]
pub(crate) struct InFlightGuard(Arc<InFlight>);

impl InFlight {
    /// The same, whose number is told.
    pub(crate) fn told(told: Level) -> Self {
        Self { told, ..Self::default() }
    }

    /// Lets a run in, unless the door is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InFlightGuard> {
        // Counted before the door is looked at, so that a drain either sees it or refuses it.
        self.now.fetch_add(1, Ordering::SeqCst);
        self.told.rise();
        let run = InFlightGuard(Arc::clone(self));
        (!self.closed.load(Ordering::SeqCst)).then_some(run)
    }

    /// How many are inside.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Whether the door is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Closes the door, waits for the runs inside, and says how many are left after `at_most`.
    pub(crate) async fn drain(&self, at_most: Duration) -> usize {
        self.closed.store(true, Ordering::SeqCst);
        let empty = async {
            loop {
                let left = self.left.notified();
                if self.now.load(Ordering::SeqCst) == 0 {
                    return;
                }
                left.await;
            }
        };
        match timeout(at_most, empty).await {
            // Whoever knocks now is counted for a moment and not let in.
            Ok(()) => 0,
            Err(_late) => self.now.load(Ordering::SeqCst),
        }
    }
}

impl InFlightGuard {
    /// Counts in what goes on behind a run that ends; the door is no matter to it.
    pub(crate) fn behind(&self) -> Self {
        self.0.now.fetch_add(1, Ordering::SeqCst);
        self.0.told.rise();
        Self(Arc::clone(&self.0))
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.told.fall();
        if self.0.now.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use shuttle::future::block_on;
    use shuttle::thread;

    /// Invariant L4: who was let in is waited for, and afterwards nobody is let in.
    #[test]
    fn a_drain_ends_after_the_last_run_and_lets_none_in() {
        let order = || {
            let running = Arc::new(InFlight::default());
            let inside = Arc::new(AtomicUsize::new(0));
            let runs = [(); 3].map(|()| {
                let (running, inside) = (Arc::clone(&running), Arc::clone(&inside));
                thread::spawn(move || {
                    if let Some(run) = running.enter() {
                        inside.fetch_add(1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(run);
                    }
                })
            });
            assert_eq!(block_on(running.drain(Duration::MAX)), 0);
            assert_eq!(inside.load(Ordering::SeqCst), 0);
            assert!(running.enter().is_none());
            for run in runs {
                run.join().unwrap();
            }
        };
        shuttle::check_random(order, 20_000);
        shuttle::check_pct(order, 5_000, 4);
    }
}
