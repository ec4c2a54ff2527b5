//! Which runs are under way, so that a process can end after the last of them.
//!
//! Each group of threads counts the runs that it let in, so that workers do not all write to one number.

use crate::observe::Level;
use crate::stripes::{Apart, Striped};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::timeout;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Counts runs, and lets none in once the process is about to end.
#[derive(Debug)]
pub(crate) struct InFlight {
    door: Arc<Door>,
    counts: Striped<Arc<Apart<Inside>>>,
}

#[derive(Debug, Default)]
struct Door {
    closed: AtomicBool,
    left: Notify,
    told: Level,
}

/// The runs that one group of threads let in.
#[derive(Debug)]
struct Inside {
    now: AtomicUsize,
    door: Arc<Door>,
}

/// One run; dropping it is its end.
#[derive(Debug)]
pub(crate) struct InFlightGuard(Arc<Apart<Inside>>);

impl InFlight {
    /// Counts whose sum `told` shows to metrics.
    pub(crate) fn told(told: Level) -> Self {
        let door = Arc::new(Door { told, ..Door::default() });
        let inside = || Inside { now: AtomicUsize::new(0), door: Arc::clone(&door) };
        Self { counts: Striped::of(|| Arc::new(Apart(inside()))), door }
    }

    /// Lets a run in, unless the door is closed.
    pub(crate) fn enter(&self) -> Option<InFlightGuard> {
        // Counted before the door is looked at. So a drain either sees this run, or this run sees the closed door.
        let run = InFlightGuard::counted(self.counts.own());
        (!self.is_closed()).then_some(run)
    }

    /// The number of runs inside.
    pub(crate) fn now(&self) -> usize {
        self.counts.all().map(|inside| inside.0.now.load(Ordering::SeqCst)).sum()
    }

    /// Whether the door is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.door.closed.load(Ordering::SeqCst)
    }

    /// Closes the door and waits for the runs inside. Returns the number that is left after `at_most`.
    pub(crate) async fn drain(&self, at_most: Duration) -> usize {
        self.door.closed.store(true, Ordering::SeqCst);
        let empty = async {
            loop {
                let left = self.door.left.notified();
                if self.now() == 0 {
                    return;
                }
                left.await;
            }
        };
        match timeout(at_most, empty).await {
            // A request that comes now is counted for a moment and not let in.
            Ok(()) => 0,
            Err(_late) => self.now(),
        }
    }
}

impl InFlightGuard {
    fn counted(inside: &Arc<Apart<Inside>>) -> Self {
        inside.0.now.fetch_add(1, Ordering::SeqCst);
        inside.0.door.told.rise();
        Self(Arc::clone(inside))
    }

    /// Counts work that goes on after its run has ended, even if the door is closed.
    pub(crate) fn behind(&self) -> Self {
        // In the same count, which so never falls to zero in between.
        Self::counted(&self.0)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let Inside { now, door } = &self.0.0;
        door.told.fall();
        now.fetch_sub(1, Ordering::SeqCst);
        // Nobody waits for the last run before the door is closed.
        if door.closed.load(Ordering::SeqCst) {
            door.left.notify_waiters();
        }
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use shuttle::future::block_on;
    use shuttle::thread;

    /// Invariant L4: a run that was let in is waited for, and afterwards none is let in.
    #[test]
    fn a_drain_ends_after_the_last_run_and_lets_none_in() {
        let order = || {
            let running = Arc::new(InFlight::told(Level::default()));
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
