//! Which runs are under way, so that a process can end after the last of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Counts runs and closes the door when the process is about to end.
#[derive(Debug, Default)]
pub(crate) struct Running {
    now: AtomicUsize,
    closed: AtomicBool,
    left: Notify,
}

/// One run; dropping it is its end.
#[derive(Debug)]
pub(crate) struct Entered(Arc<Running>);

impl Running {
    /// Lets a run in, unless the door is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Entered> {
        // Counted before the door is looked at, so that a drain either sees it or refuses it.
        self.now.fetch_add(1, Ordering::SeqCst);
        let run = Entered(Arc::clone(self));
        (!self.closed.load(Ordering::SeqCst)).then_some(run)
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
        let _ = tokio::time::timeout(at_most, empty).await;
        self.now.load(Ordering::SeqCst)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.0.now.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}
